-- What `clickstream metrics` reads in addition.

-- name: metrics.rejects
-- Rows rejected after %(after)s, by reason. Ids are given under the lease, in the order of the commits.
SELECT reason, count(*) AS rows, max(reject_id) AS last_reject_id
  FROM rejected_events
 WHERE reject_id > %(after)s
 GROUP BY reason;

-- name: metrics.conflicts
-- Rows of the batches after %(after)s with the id and time of a stored event but other content.
SELECT coalesce(sum(rows_conflict), 0)::bigint AS rows, coalesce(max(batch_id), %(after)s) AS last_batch_id
  FROM ingest_batches
 WHERE batch_id > %(after)s;

-- name: metrics.latency
-- How long the files committed after %(after)s took from their rename to visible rows, by bucket: the number of bounds
-- below the duration. Bounds and durations are negated, because a bucket of Prometheus includes its upper bound, and
-- width_bucket's the lower one.
SELECT cardinality(%(bounds)s::double precision[]) - width_bucket(-seconds, %(bounds)s::double precision[]) AS bucket,
       count(*) AS files, sum(seconds) AS seconds, max(committed_at) AS last_committed_at
  FROM (SELECT committed_at,
               greatest(extract(epoch FROM committed_at - landed_at), 0)::double precision AS seconds
          FROM ingest_files
         WHERE status = 'committed' AND released_at IS NULL AND committed_at > %(after)s::timestamptz) AS files
 GROUP BY 1;

-- name: metrics.summaries
-- How long the oldest batch that a summary has not taken in has been waiting; 0 where none is.
SELECT state.summary,
       coalesce(extract(epoch FROM now() - (SELECT committed_at
                                              FROM ingest_batches
                                             WHERE batch_id > state.through_batch_id
                                             ORDER BY batch_id
                                             LIMIT 1)), 0)::double precision AS seconds
  FROM summary_state AS state;
