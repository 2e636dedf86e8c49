-- Sessions and their purchases by device and browser.
SELECT device, browser, sum(sessions)::bigint AS sessions, sum(purchased)::bigint AS purchased, sum(revenue) AS revenue
  FROM device_usage
 WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < %(until)s AT TIME ZONE 'UTC'
 GROUP BY device, browser
 ORDER BY sessions DESC, device, browser
 LIMIT 40
