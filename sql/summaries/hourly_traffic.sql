-- Adds the batches after `through` up to `target`.
WITH added AS MATERIALIZED (
    SELECT date_trunc('hour', event_time, 'UTC') AS hour,
           count(*) AS events,
           max(id) AS last_event_id,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue
    FROM events_of_batches(%(after_id)s, %(through)s, %(target)s)
    WHERE (%(before_id)s::bigint IS NULL OR id < %(before_id)s::bigint)
      AND (%(start)s::timestamptz IS NULL OR event_time >= %(start)s::timestamptz)
      AND (%(stop)s::timestamptz IS NULL OR event_time < %(stop)s::timestamptz)
    GROUP BY 1
),
stored AS (
    INSERT INTO hourly_traffic AS old (hour, events, views, carts, removes, purchases, revenue)
    SELECT hour, events, views, carts, removes, purchases, revenue
    FROM added
    ON CONFLICT (hour) DO UPDATE
    SET events = old.events + excluded.events,
        views = old.views + excluded.views,
        carts = old.carts + excluded.carts,
        removes = old.removes + excluded.removes,
        purchases = old.purchases + excluded.purchases,
        revenue = old.revenue + excluded.revenue
    RETURNING (xmax = 0) AS is_new
)
SELECT (SELECT coalesce(sum(events), 0)::bigint FROM added) AS events,
       count(*) AS groups,
       count(*) FILTER (WHERE is_new) AS rows_added,
       (SELECT coalesce(max(last_event_id), 0) FROM added) AS last_event_id
FROM stored
