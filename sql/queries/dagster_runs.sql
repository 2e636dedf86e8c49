-- Dagster's own tables, in its database: what may go.

-- name: dagster_runs.known_runs
SELECT run_id FROM runs WHERE run_id = ANY (%(run_ids)s);

-- name: dagster_runs.trim_runs
-- Runs that ended so many days ago, with what they logged; not those with the last result of an asset or a check.
WITH kept AS (
    SELECT last_run_id AS run_id FROM asset_keys WHERE last_run_id IS NOT NULL
    UNION
    (SELECT DISTINCT ON (asset_key, check_name) run_id FROM asset_check_executions
      WHERE run_id IS NOT NULL ORDER BY asset_key, check_name, id DESC)
), gone AS (
    DELETE FROM runs
     WHERE id IN (SELECT id FROM runs
                   WHERE status IN ('SUCCESS', 'FAILURE', 'CANCELED')
                     AND coalesce(to_timestamp(end_time), update_timestamp::timestamptz)
                         < now() - make_interval(days => %(days)s)
                     AND run_id NOT IN (SELECT run_id FROM kept)
                   ORDER BY id LIMIT %(limit)s)
    RETURNING run_id
), checks AS (
    DELETE FROM asset_check_executions WHERE run_id IN (SELECT run_id FROM gone)
), logged AS (
    DELETE FROM event_logs WHERE run_id IN (SELECT run_id FROM gone) RETURNING id
), tags AS (
    DELETE FROM asset_event_tags WHERE event_id IN (SELECT id FROM logged)
)
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM logged);

-- name: dagster_runs.trim_events
-- Events outside any run (what the sensors report), so many days old; not the last of an asset, nor of a check.
WITH kept AS (
    SELECT max(id) AS id FROM event_logs WHERE asset_key IS NOT NULL GROUP BY asset_key, dagster_event_type
    UNION
    (SELECT DISTINCT ON (asset_key, check_name) evaluation_event_storage_id FROM asset_check_executions
      WHERE evaluation_event_storage_id IS NOT NULL ORDER BY asset_key, check_name, id DESC)
), logged AS (
    DELETE FROM event_logs
     WHERE id IN (SELECT id FROM event_logs
                   WHERE run_id = '' AND timestamp < (now() AT TIME ZONE 'UTC') - make_interval(days => %(days)s)
                     AND id NOT IN (SELECT id FROM kept)
                   ORDER BY id LIMIT %(limit)s)
    RETURNING id
), checks AS (
    DELETE FROM asset_check_executions WHERE evaluation_event_storage_id IN (SELECT id FROM logged)
), tags AS (
    DELETE FROM asset_event_tags WHERE event_id IN (SELECT id FROM logged)
)
SELECT count(*) FROM logged;
