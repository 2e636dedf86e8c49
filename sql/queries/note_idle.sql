-- A look that found nothing to do is progress too.
UPDATE stream_lease SET last_progress_at = clock_timestamp()
