-- The summary product_performance: a row per day and product.

-- name: product_performance.add
-- Adds the batches after `through` up to `target`; events without a product are read and counted nowhere. Sums, minima and maxima are exact to add to, since
-- events are only ever inserted.
WITH added AS MATERIALIZED (
    SELECT (event_time AT TIME ZONE 'UTC')::date AS day,
           summary_key(product_id) AS product_id,
           count(*) AS events,
           max(id) AS last_event_id,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           count(*) FILTER (WHERE action_type NOT IN ('view', 'add_to_cart', 'remove_from_cart', 'purchase')) AS others,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue,
           min(price) AS min_price,
           max(price) AS max_price
    FROM events_of_batches(%(after_id)s, %(through)s, %(target)s)
    WHERE (%(before_id)s::bigint IS NULL OR id < %(before_id)s::bigint)
      AND (%(start)s::timestamptz IS NULL OR event_time >= %(start)s::timestamptz)
      AND (%(stop)s::timestamptz IS NULL OR event_time < %(stop)s::timestamptz)
    GROUP BY 1, 2
),
stored AS (
    INSERT INTO product_performance AS old
        (day, product_id, views, carts, removes, purchases, others, revenue, min_price, max_price)
    SELECT day, product_id, views, carts, removes, purchases, others, revenue, min_price, max_price
    FROM added
    WHERE product_id IS NOT NULL
    ORDER BY day, product_id -- neighbours share index pages
    ON CONFLICT (day, product_id) DO UPDATE
    SET views = old.views + excluded.views,
        carts = old.carts + excluded.carts,
        removes = old.removes + excluded.removes,
        purchases = old.purchases + excluded.purchases,
        others = old.others + excluded.others,
        revenue = old.revenue + excluded.revenue,
        min_price = least(old.min_price, excluded.min_price),
        max_price = greatest(old.max_price, excluded.max_price)
    RETURNING (xmax = 0) AS is_new
)
SELECT (SELECT coalesce(sum(events), 0)::bigint FROM added) AS events,
       count(*) AS groups,
       count(*) FILTER (WHERE is_new) AS rows_added,
       (SELECT coalesce(max(last_event_id), 0) FROM added) AS last_event_id
FROM stored;

-- name: product_performance.clear
DELETE FROM product_performance WHERE day >= %(start)s::date AND day < %(stop)s::date;

-- name: product_performance.count
SELECT count(*) FROM product_performance;

-- name: product_performance.preview
SELECT day, product_id, views, carts, purchases, revenue, purchase_rate
FROM product_performance
WHERE day = (SELECT max(day) FROM product_performance)
ORDER BY revenue DESC, views DESC, product_id
LIMIT %(rows)s;

-- name: product_performance.audit
-- The products of a day: as the table has them, against the events of the batches that it has recorded.
WITH expected AS (
    SELECT summary_key(product_id) AS product_id,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           count(*) FILTER (WHERE action_type NOT IN ('view', 'add_to_cart', 'remove_from_cart', 'purchase')) AS others,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue,
           min(price) AS min_price,
           max(price) AS max_price
      FROM events
     WHERE event_time >= %(start)s::timestamptz AND event_time < %(stop)s::timestamptz AND batch_id <= %(through)s
       AND product_id IS NOT NULL
     GROUP BY 1
), stored AS (
    SELECT product_id, views, carts, removes, purchases, others, revenue, min_price, max_price
      FROM product_performance
     WHERE day = %(day)s
), compared AS (
    SELECT product_id AS key, to_jsonb(stored) AS stored, to_jsonb(expected) AS expected
      FROM stored FULL JOIN expected USING (product_id)
), wrong AS (
    SELECT * FROM compared WHERE stored IS DISTINCT FROM expected
)
SELECT (SELECT count(*) FROM compared), (SELECT count(*) FROM wrong),
       ARRAY(SELECT jsonb_build_object('key', key, 'stored', stored, 'expected', expected)
               FROM wrong ORDER BY key LIMIT %(examples)s);
