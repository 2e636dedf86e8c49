-- When the supervisor last looked: a sensor that is off, or a daemon that hangs, is told by its age.
ALTER TABLE stream_lease ADD COLUMN IF NOT EXISTS supervised_at timestamptz;
