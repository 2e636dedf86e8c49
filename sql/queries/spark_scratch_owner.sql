-- Since when the stream that holds the lease runs; none where nobody holds it.
SELECT host, started_at FROM stream_lease WHERE released_at IS NULL AND started_at IS NOT NULL
