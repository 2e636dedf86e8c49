-- How far the sessions of each day came.
SELECT day, sessions, viewed, carted, purchased, abandoned, conversion_rate
  FROM conversion_funnel
 WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < %(until)s AT TIME ZONE 'UTC'
 ORDER BY day
