SELECT s.ids_through_batch_id, s.ids_reused, s.ids_looked_at,
       coalesce((SELECT max(batch_id) FROM ingest_batches), 0) AS newest_batch_id,
       (SELECT count(*) FROM reused_event_ids WHERE found_at > now() - make_interval(days => %(days)s)) AS recent,
       ARRAY(SELECT event_id::text FROM reused_event_ids ORDER BY found_at DESC, event_id LIMIT 5) AS examples
  FROM maintenance_state AS s
