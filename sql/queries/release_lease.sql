UPDATE stream_lease SET released_at = clock_timestamp(), heartbeat_at = clock_timestamp(), last_reason = %(reason)s
WHERE epoch = %(epoch)s
