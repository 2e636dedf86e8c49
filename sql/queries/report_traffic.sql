-- Hours of the last week of the report; hours without events are zero.
SELECT hours.hour, coalesce(views, 0) AS views, coalesce(carts, 0) AS carts, coalesce(removes, 0) AS removes,
       coalesce(purchases, 0) AS purchases
  FROM generate_series(date_trunc('hour', %(until)s - interval '7 days', 'UTC'), %(until)s - interval '1 hour',
                       interval '1 hour') AS hours (hour)
  LEFT JOIN hourly_traffic USING (hour)
 ORDER BY hours.hour
