-- Asking for the stream forgives earlier failures: the person who asks has repaired something, or wants to see it fail.
UPDATE stream_lease
   SET wanted = %(wanted)s, wanted_at = clock_timestamp(), failures = 0, next_attempt_at = NULL, launched_at = NULL
