UPDATE stream_lease SET last_reason = %(reason)s
