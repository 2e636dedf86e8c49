-- The products of a day: as the table has them, against the events of the batches that it has recorded.
WITH expected AS (
    SELECT summary_key(product_id) AS product_id,
           count(*) FILTER (WHERE action_type = 'view') AS views,
           count(*) FILTER (WHERE action_type = 'add_to_cart') AS carts,
           count(*) FILTER (WHERE action_type = 'remove_from_cart') AS removes,
           count(*) FILTER (WHERE action_type = 'purchase') AS purchases,
           coalesce(sum(price) FILTER (WHERE action_type = 'purchase'), 0) AS revenue,
           min(price) AS min_price,
           max(price) AS max_price
      FROM events
     WHERE event_time >= %(start)s::timestamptz AND event_time < %(stop)s::timestamptz AND batch_id <= %(through)s
     GROUP BY 1
), stored AS (
    SELECT product_id, views, carts, removes, purchases, revenue, min_price, max_price
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
               FROM wrong ORDER BY key LIMIT %(examples)s)
