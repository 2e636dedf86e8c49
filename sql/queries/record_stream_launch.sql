-- Counted before the run is requested, so that no way of dying escapes the back-off. From here on a reason on record is
-- the launched run's own.
UPDATE stream_lease
   SET failures = %(failures)s,
       launched_at = clock_timestamp(),
       next_attempt_at = clock_timestamp() + %(pause_seconds)s * interval '1 second',
       last_reason = NULL
