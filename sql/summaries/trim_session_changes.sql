-- What every follower has recorded. A follower's record only grows, so an old view of it keeps too much, never
-- too little.
DELETE FROM session_changes
WHERE through_batch_id <= (
    SELECT min(through_batch_id) FROM summary_state WHERE summary IN ('conversion_funnel', 'device_usage')
)
