-- How long the oldest batch that a summary has not taken in has been waiting; 0 where none is.
SELECT state.summary,
       coalesce(extract(epoch FROM now() - (SELECT committed_at
                                              FROM ingest_batches
                                             WHERE batch_id > state.through_batch_id
                                             ORDER BY batch_id
                                             LIMIT 1)), 0)::double precision AS seconds
  FROM summary_state AS state
