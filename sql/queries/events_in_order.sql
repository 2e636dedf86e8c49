-- A part of merge_events.
(SELECT * FROM {events} ORDER BY event_id, event_time, file_id, line_no) AS events_in_order
