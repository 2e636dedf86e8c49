-- The sections of the report.

-- name: report.span
-- The last moment that the report is about, which is the end of the newest hour with events: a history that was loaded
-- later is reported too. Null before the first event.
SELECT max(hour) + interval '1 hour' AS until FROM hourly_traffic;

-- name: report.totals
-- Sums over the days of the report.
SELECT traffic.events, traffic.purchases, traffic.revenue, funnel.sessions, funnel.purchased
  FROM (SELECT coalesce(sum(events), 0)::bigint AS events, coalesce(sum(purchases), 0)::bigint AS purchases,
               coalesce(sum(revenue), 0) AS revenue
          FROM hourly_traffic
         WHERE hour >= %(since)s AND hour < %(until)s) AS traffic,
       (SELECT coalesce(sum(sessions), 0)::bigint AS sessions, coalesce(sum(purchased), 0)::bigint AS purchased
          FROM conversion_funnel
         WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < %(until)s AT TIME ZONE 'UTC') AS funnel;

-- name: report.traffic
-- Hours of the last week of the report; hours without events are zero.
SELECT hours.hour, coalesce(views, 0) AS views, coalesce(carts, 0) AS carts, coalesce(removes, 0) AS removes,
       coalesce(purchases, 0) AS purchases
  FROM generate_series(date_trunc('hour', %(until)s - interval '7 days', 'UTC'), %(until)s - interval '1 hour',
                       interval '1 hour') AS hours (hour)
  LEFT JOIN hourly_traffic USING (hour)
 ORDER BY hours.hour;

-- name: report.revenue
-- Revenue and purchases by day (UTC).
SELECT (hour AT TIME ZONE 'UTC')::date AS day, sum(revenue) AS revenue, sum(purchases)::bigint AS purchases
  FROM hourly_traffic
 WHERE hour >= %(since)s AND hour < %(until)s
 GROUP BY 1
 ORDER BY 1;

-- name: report.funnel
-- How far the sessions of each day came.
SELECT day, sessions, viewed, carted, purchased, abandoned, conversion_rate
  FROM conversion_funnel
 WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < %(until)s AT TIME ZONE 'UTC'
 ORDER BY day;

-- name: report.products
-- The best sellers of the days of the report.
SELECT product_id, sum(views)::bigint AS views, sum(carts)::bigint AS carts, sum(purchases)::bigint AS purchases,
       sum(revenue) AS revenue
  FROM product_performance
 WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < %(until)s AT TIME ZONE 'UTC'
 GROUP BY product_id
 ORDER BY revenue DESC, purchases DESC, views DESC, product_id
 LIMIT %(products)s;

-- name: report.devices
-- Sessions and their purchases by device and browser.
SELECT device, browser, sum(sessions)::bigint AS sessions, sum(purchased)::bigint AS purchased, sum(revenue) AS revenue
  FROM device_usage
 WHERE day >= (%(since)s AT TIME ZONE 'UTC')::date AND day < %(until)s AT TIME ZONE 'UTC'
 GROUP BY device, browser
 ORDER BY sessions DESC, device, browser
 LIMIT 40;

-- name: report.quality
-- What the stream did with the rows, by the hour of the commit, over the last two days with commits. Files delivered
-- again are in no batch.
WITH span AS (
    SELECT max(committed_at) AS until FROM ingest_batches
), rows AS (
    SELECT date_trunc('hour', committed_at, 'UTC') AS hour, rows_inserted, rows_duplicate, rows_rejected
      FROM ingest_batches, span
     WHERE committed_at > span.until - interval '48 hours'
     UNION ALL
    SELECT date_trunc('hour', registered_at, 'UTC'), 0, rows_duplicate, 0
      FROM ingest_files, span
     WHERE status = 'duplicate' AND registered_at > span.until - interval '48 hours'
)
SELECT hour, sum(rows_inserted)::bigint AS inserted, sum(rows_duplicate)::bigint AS duplicate,
       sum(rows_rejected)::bigint AS rejected
  FROM rows
 GROUP BY hour
 ORDER BY hour;

-- name: report.rejects
-- Why rows were rejected, over the last two days with commits.
SELECT reason, count(*) AS rows, count(replayed_at) AS replayed
  FROM rejected_events
 WHERE rejected_at > (SELECT max(committed_at) FROM ingest_batches) - interval '48 hours'
 GROUP BY reason
 ORDER BY rows DESC, reason;

-- name: report.latency
-- From a file's rename to its rows being visible, by the hour of the commit, over the last two days with commits.
-- Without those that landed before the first stream of all had run for %(first_start_seconds)s.
SELECT date_trunc('hour', committed_at, 'UTC') AS hour,
       count(*) AS files,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY seconds) AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY seconds) AS p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) AS p99
  FROM (SELECT committed_at, extract(epoch FROM committed_at - landed_at)::double precision AS seconds
          FROM ingest_files
         WHERE status = 'committed'
           AND committed_at > (SELECT max(committed_at) FROM ingest_batches) - interval '48 hours'
           AND NOT EXISTS (SELECT FROM stream_lease
                            WHERE epoch = 1
                              AND landed_at < started_at + make_interval(secs => %(first_start_seconds)s))) AS files
 GROUP BY 1
 ORDER BY 1;
