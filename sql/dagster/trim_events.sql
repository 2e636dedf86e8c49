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
SELECT count(*) FROM logged
