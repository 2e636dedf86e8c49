-- When the supervisor last launched a run of the stream: until that has the lease, a stream is on its way.
ALTER TABLE stream_lease ADD COLUMN IF NOT EXISTS launched_at timestamptz;
