-- Events of the batches after %(through)s up to %(target)s whose id an event stored earlier has at another time: a
-- probe of the unique index for each new event, so the cost is that of the new events (OFFSET 0 holds the planner to it).
INSERT INTO found_reused_ids
SELECT e.event_id, e.event_time, other.event_time, e.batch_id, e.file_id, e.line_no
  FROM events AS e
 CROSS JOIN LATERAL (
       SELECT o.event_time FROM events AS o
        WHERE o.event_id = e.event_id AND o.event_time <> e.event_time AND o.id < e.id
        LIMIT 1 OFFSET 0) AS other
 WHERE e.batch_id > %(through)s AND e.batch_id <= %(target)s
