SELECT day, device, browser, sessions, purchased, revenue, conversion_rate
FROM device_usage
WHERE day = (SELECT max(day) FROM device_usage)
ORDER BY sessions DESC, device, browser
LIMIT %(rows)s
