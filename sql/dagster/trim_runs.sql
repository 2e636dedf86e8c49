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
SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM logged)
