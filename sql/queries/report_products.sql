-- The best sellers of the days of the report.
SELECT product_id, sum(views)::bigint AS views, sum(carts)::bigint AS carts, sum(purchases)::bigint AS purchases,
       sum(revenue) AS revenue
  FROM product_performance
 WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < %(until)s AT TIME ZONE 'UTC'
 GROUP BY product_id
 ORDER BY revenue DESC, purchases DESC, views DESC, product_id
 LIMIT %(products)s
