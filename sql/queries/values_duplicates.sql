-- For rows of a file that are not stored (parallel arrays): the event with their id and time, and the conflict that
-- was noted for them.
SELECT w.line_no, e.event_id IS NOT NULL AS is_stored, c.file_id IS NOT NULL AS is_conflict,
       e.user_id, e.session_id, e.action_type, e.product_id, e.price, e.user_agent, e.extra::text
  FROM unnest(%(lines)s::bigint[], %(event_ids)s::uuid[], %(event_times)s::timestamptz[])
       AS w (line_no, event_id, event_time)
  LEFT JOIN events AS e ON e.event_id = w.event_id AND e.event_time = w.event_time
  LEFT JOIN event_conflicts AS c
    ON c.file_id = %(file_id)s AND c.line_no = w.line_no
   AND c.event_id = w.event_id AND c.event_time = w.event_time
 ORDER BY w.line_no
