-- The hours of a day: as the table has them, against the events of the batches that it has recorded.
WITH expected AS (
    SELECT date_trunc('hour', event_time, 'UTC') AS hour,
           count(*) AS events,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue
      FROM events
     WHERE event_time >= %(start)s::timestamptz AND event_time < %(stop)s::timestamptz AND batch_id <= %(through)s
     GROUP BY 1
), stored AS (
    SELECT hour, events, views, carts, removes, purchases, revenue
      FROM hourly_traffic
     WHERE hour >= %(start)s::timestamptz AND hour < %(stop)s::timestamptz
), compared AS (
    SELECT hour::text AS key, to_jsonb(stored) AS stored, to_jsonb(expected) AS expected
      FROM stored FULL JOIN expected USING (hour)
), wrong AS (
    SELECT * FROM compared WHERE stored IS DISTINCT FROM expected
)
SELECT (SELECT count(*) FROM compared), (SELECT count(*) FROM wrong),
       ARRAY(SELECT jsonb_build_object('key', key, 'stored', stored, 'expected', expected)
               FROM wrong ORDER BY key LIMIT %(examples)s)
