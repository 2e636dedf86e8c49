SELECT mode, pid, host, started_at FROM stream_lease
