-- Files registered in the last %(window_seconds)s seconds of which nothing could be read, by reason, with the newest
-- of each. Empty ones lose nothing; one that was delivered again under its name, and then read, is no worry any more.
SELECT f.reason, count(*) AS files, (array_agg(f.path ORDER BY f.file_id DESC))[:%(examples)s] AS paths
  FROM ingest_files AS f
 WHERE f.status = 'rejected'
   AND f.reason <> 'empty_file'
   AND f.registered_at >= now() - make_interval(secs => %(window_seconds)s)
   AND NOT EXISTS (SELECT FROM ingest_files AS later
                    WHERE later.path = f.path AND later.file_id > f.file_id AND later.status <> 'changed')
 GROUP BY f.reason
 ORDER BY files DESC, f.reason
