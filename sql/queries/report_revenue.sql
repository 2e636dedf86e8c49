-- Revenue and purchases by day (UTC).
SELECT (hour AT TIME ZONE 'UTC')::date AS day, sum(revenue) AS revenue, sum(purchases)::bigint AS purchases
  FROM hourly_traffic
 WHERE hour >= %(since)s AND hour < %(until)s
 GROUP BY 1
 ORDER BY 1
