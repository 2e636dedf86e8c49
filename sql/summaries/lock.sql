SELECT through_batch_id, last_event_id, source_generation, row_count
FROM summary_state
WHERE summary = %(summary)s
FOR UPDATE
