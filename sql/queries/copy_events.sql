COPY {table} (
    file_id, line_no, event_id, event_time, user_id, session_id, action_type, product_id, price, user_agent, extra
) FROM STDIN (FORMAT csv, ENCODING 'UTF8')
