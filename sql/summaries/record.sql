UPDATE summary_state
SET through_batch_id = %(through)s,
    last_event_id = %(last_event_id)s,
    source_generation = %(source_generation)s,
    row_count = %(row_count)s,
    refreshed_at = clock_timestamp()
WHERE summary = %(summary)s
