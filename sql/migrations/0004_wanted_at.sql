-- Since when a stream is wanted: one that was asked for a moment ago is about to start, however long it was stopped.
ALTER TABLE stream_lease ADD COLUMN IF NOT EXISTS wanted_at timestamptz;
