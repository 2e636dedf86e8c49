INSERT INTO {table} (event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent)
SELECT event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent
FROM hand_staging
ON CONFLICT DO NOTHING
