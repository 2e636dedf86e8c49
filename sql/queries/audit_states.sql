-- What each summary has recorded, how many batches it lacks, and whether it waits to be recomputed from sessions.
SELECT state.summary, state.through_batch_id,
       (SELECT coalesce(max(batch_id), 0) FROM ingest_batches) - state.through_batch_id AS batches_behind,
       state.summary IN ('conversion_funnel', 'device_usage') AND state.source_generation <> source.generation AS is_outdated
  FROM summary_state AS state, (SELECT generation FROM summary_state WHERE summary = 'sessions') AS source
