-- merge_events for rows that lie in the order of their ids, run by run, as they were copied: without sorting them again,
-- and so in the order of their files and lines where ids are the same.
INSERT INTO events (
    event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent, extra,
    batch_id, file_id, line_no
)
SELECT
    event_id, user_id, session_id, action_type, product_id, event_time, price, user_agent, extra,
    %(batch_id)s, file_id, line_no
FROM {events}
ON CONFLICT (event_id, event_time) DO NOTHING
