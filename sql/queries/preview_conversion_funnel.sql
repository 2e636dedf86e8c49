SELECT day, sessions, viewed, carted, purchased, revenue, conversion_rate, abandonment_rate
FROM conversion_funnel
ORDER BY day DESC
LIMIT %(rows)s
