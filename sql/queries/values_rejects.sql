-- The rejected rows of the files from %(first_file_id)s to %(last_file_id)s, in the order of the files' lines.
SELECT file_id, line_no, reason, raw, byte_offset, byte_length,
       (extract(epoch FROM rejected_at) * 1000000)::bigint
  FROM rejected_events
 WHERE file_id BETWEEN %(first_file_id)s AND %(last_file_id)s
   AND line_no BETWEEN %(first_line)s AND %(last_line)s
 ORDER BY file_id, line_no
