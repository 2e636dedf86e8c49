-- Entering ids into an index in their order is cheaper than sorting them is dear.
INSERT INTO {table} (event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent)
SELECT event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent
FROM hand_staging
ORDER BY event_id
ON CONFLICT DO NOTHING
