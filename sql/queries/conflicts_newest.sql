-- The newest of these, with the fields in which they differ from what is stored.
SELECT c.event_id::text, c.event_time, f.path, c.line_no,
       (SELECT string_agg(key, ', ' ORDER BY key)
          FROM jsonb_object_keys(c.content) AS key
         WHERE key NOT IN ('event_id', 'event_time')
           AND to_jsonb(e) ? key
           AND c.content -> key IS DISTINCT FROM to_jsonb(e) -> key) AS differs_in
  FROM event_conflicts AS c
  JOIN ingest_files AS f ON f.file_id = c.file_id
  LEFT JOIN events AS e ON e.event_id = c.event_id AND e.event_time = c.event_time
 ORDER BY c.batch_id DESC, c.file_id DESC, c.line_no DESC
 LIMIT %(examples)s
