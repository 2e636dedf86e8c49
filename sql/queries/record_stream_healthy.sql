UPDATE stream_lease SET failures = 0, next_attempt_at = NULL WHERE failures <> 0
