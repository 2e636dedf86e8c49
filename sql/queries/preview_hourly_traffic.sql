SELECT hour, events, views, carts, purchases, revenue
FROM hourly_traffic
ORDER BY hour DESC
LIMIT %(rows)s
