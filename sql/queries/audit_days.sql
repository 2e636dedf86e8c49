-- The days (UTC) that an audit of the summaries looks at: the newest finished one that has events (before there is
-- any, the newest), and one of the older ones, chosen by %(seed)s. None from before %(floor)s, when events were dropped.
WITH days AS (
    SELECT DISTINCT (hour AT TIME ZONE 'UTC')::date AS day FROM hourly_traffic WHERE hour >= %(floor)s::timestamptz
    UNION
    SELECT day FROM conversion_funnel WHERE day >= (%(floor)s::timestamptz AT TIME ZONE 'UTC')::date
    UNION
    SELECT (max(max_event_time) AT TIME ZONE 'UTC')::date
      FROM ingest_batches
     WHERE max_event_time < date_trunc('day', now(), 'UTC') AND max_event_time >= %(floor)s::timestamptz
), newest AS (
    SELECT coalesce(max(day) FILTER (WHERE day < (now() AT TIME ZONE 'UTC')::date), max(day)) AS day FROM days
), older AS (
    SELECT days.day
      FROM days, newest
     WHERE days.day < newest.day
     ORDER BY md5(days.day::text || %(seed)s)
     LIMIT 1
)
SELECT day FROM newest WHERE day IS NOT NULL UNION ALL SELECT day FROM older
