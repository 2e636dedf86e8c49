-- Rejected rows of the last %(window_seconds)s seconds by reason.
SELECT reason, count(*) AS rows
  FROM rejected_events
 WHERE rejected_at >= now() - make_interval(secs => %(window_seconds)s)
 GROUP BY reason
 ORDER BY rows DESC, reason
