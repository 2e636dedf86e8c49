-- The summary hourly_traffic: a row per hour.

-- name: hourly_traffic.add
-- Adds the batches after `through` up to `target`.
WITH added AS MATERIALIZED (
    SELECT date_trunc('hour', event_time, 'UTC') AS hour,
           count(*) AS events,
           max(id) AS last_event_id,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           count(*) FILTER (WHERE action_type NOT IN ('view', 'add_to_cart', 'remove_from_cart', 'purchase')) AS others,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue
    FROM events_of_batches(%(after_id)s, %(through)s, %(target)s)
    WHERE (%(before_id)s::bigint IS NULL OR id < %(before_id)s::bigint)
      AND (%(start)s::timestamptz IS NULL OR event_time >= %(start)s::timestamptz)
      AND (%(stop)s::timestamptz IS NULL OR event_time < %(stop)s::timestamptz)
    GROUP BY 1
),
stored AS (
    INSERT INTO hourly_traffic AS old (hour, events, views, carts, removes, purchases, others, revenue)
    SELECT hour, events, views, carts, removes, purchases, others, revenue
    FROM added
    ON CONFLICT (hour) DO UPDATE
    SET events = old.events + excluded.events,
        views = old.views + excluded.views,
        carts = old.carts + excluded.carts,
        removes = old.removes + excluded.removes,
        purchases = old.purchases + excluded.purchases,
        others = old.others + excluded.others,
        revenue = old.revenue + excluded.revenue
    RETURNING (xmax = 0) AS is_new
)
SELECT (SELECT coalesce(sum(events), 0)::bigint FROM added) AS events,
       count(*) AS groups,
       count(*) FILTER (WHERE is_new) AS rows_added,
       (SELECT coalesce(max(last_event_id), 0) FROM added) AS last_event_id
FROM stored;

-- name: hourly_traffic.clear
DELETE FROM hourly_traffic WHERE hour >= %(start)s::timestamptz AND hour < %(stop)s::timestamptz;

-- name: hourly_traffic.count
SELECT count(*) FROM hourly_traffic;

-- name: hourly_traffic.preview
SELECT hour, events, views, carts, purchases, revenue
FROM hourly_traffic
ORDER BY hour DESC
LIMIT %(rows)s;

-- name: hourly_traffic.audit
-- The hours of a day: as the table has them, against the events of the batches that it has recorded.
WITH expected AS (
    SELECT date_trunc('hour', event_time, 'UTC') AS hour,
           count(*) AS events,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           count(*) FILTER (WHERE action_type NOT IN ('view', 'add_to_cart', 'remove_from_cart', 'purchase')) AS others,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue
      FROM events
     WHERE event_time >= %(start)s::timestamptz AND event_time < %(stop)s::timestamptz AND batch_id <= %(through)s
     GROUP BY 1
), stored AS (
    SELECT hour, events, views, carts, removes, purchases, others, revenue
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
               FROM wrong ORDER BY key LIMIT %(examples)s);
