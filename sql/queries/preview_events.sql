SELECT id, event_time, action_type, user_id, session_id, product_id, price, file_id, line_no
  FROM events
 ORDER BY id DESC
 LIMIT %(rows)s
