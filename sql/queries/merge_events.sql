-- In the order of the ids, which makes the index writes cheap; the earlier file and line win among duplicates. Rows that
-- do not lie so come by way of events_in_order.
INSERT INTO events (
    event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent, extra,
    batch_id, file_id, line_no
)
SELECT
    event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent, extra,
    %(batch_id)s, file_id, line_no
FROM {rows}
ON CONFLICT (event_id, event_time) DO NOTHING
