-- Shared with no writer: while a follower of sessions works, sessions is not refreshed.
SELECT through_batch_id, generation FROM summary_state WHERE summary = 'sessions' FOR SHARE
