COPY {table} (event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent)
FROM STDIN (FORMAT csv, HEADER)
