-- How long the files committed after %(after)s took from their rename to visible rows, by bucket: the number of bounds
-- below the duration. Bounds and durations are negated, because a bucket of Prometheus includes its upper bound, and
-- width_bucket's the lower one.
SELECT cardinality(%(bounds)s::double precision[]) - width_bucket(-seconds, %(bounds)s::double precision[]) AS bucket,
       count(*) AS files, sum(seconds) AS seconds, max(committed_at) AS last_committed_at
  FROM (SELECT committed_at,
               greatest(extract(epoch FROM committed_at - landed_at), 0)::double precision AS seconds
          FROM ingest_files
         WHERE status = 'committed' AND committed_at > %(after)s::timestamptz) AS files
 GROUP BY 1
