-- The events of the files from %(first_file_id)s to %(last_file_id)s, in the order of the files' lines.
SELECT file_id, line_no, event_id::text, user_id, session_id, action_type, product_id,
       (extract(epoch FROM event_time) * 1000000)::bigint, price::text, user_agent, extra::text,
       (extract(epoch FROM ingested_at) * 1000000)::bigint
  FROM events
 WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
   AND line_no BETWEEN %(first_line)s AND %(last_line)s
 ORDER BY file_id, line_no
