-- What a data catalogue was told by OpenLineage, and what it does not know yet (clickstream_assets/lineage/).

-- name: lineage.begin
-- The first time: from the micro-batches of the last hour on.
INSERT INTO lineage_sent (subject, through_batch_id)
SELECT 'events', coalesce(max(batch_id), 0)
  FROM ingest_batches
 WHERE committed_at < now() - interval '1 hour'
ON CONFLICT DO NOTHING;

-- name: lineage.sent
-- A cursor beyond the ledger is of another database: it begins anew.
SELECT subject,
       CASE WHEN through_batch_id > (SELECT coalesce(max(batch_id), 0) FROM ingest_batches) THEN 0
            ELSE through_batch_id END AS through_batch_id,
       done_at
  FROM lineage_sent
 WHERE subject = %(subject)s;

-- name: lineage.pause
SELECT failures,
       coalesce(next_attempt_at <= now(), true) AS is_over,
       greatest(extract(epoch FROM next_attempt_at - now()), 0)::double precision AS seconds,
       last_error
  FROM lineage_sent
 WHERE subject = %(subject)s;

-- name: lineage.batches
SELECT batch_id, started_at, committed_at, files, rows_read, rows_inserted, rows_rejected
  FROM ingest_batches
 WHERE batch_id > %(after)s
 ORDER BY batch_id
 LIMIT %(limit)s;

-- name: lineage.refreshes
SELECT state.summary, state.through_batch_id, done.at
  FROM summary_state AS state
  CROSS JOIN LATERAL (SELECT greatest(state.refreshed_at, state.rebuilt_at) AS at) AS done
  LEFT JOIN lineage_sent AS sent ON sent.subject = state.summary
 WHERE done.at IS NOT NULL AND done.at IS DISTINCT FROM sent.done_at
   AND (state.through_batch_id > 0 OR state.rebuilt_at IS NOT NULL)
 ORDER BY done.at;

-- name: lineage.waiting
SELECT count(*)
  FROM ingest_batches
 WHERE batch_id > coalesce((SELECT through_batch_id FROM lineage_sent WHERE subject = %(subject)s), 0);

-- name: lineage.record
INSERT INTO lineage_sent AS sent (subject, through_batch_id, done_at, events, refused, last_error, sent_at)
VALUES (%(subject)s, %(through)s, %(done_at)s, %(events)s, %(refused)s, %(error)s, now())
ON CONFLICT (subject) DO UPDATE
SET through_batch_id = excluded.through_batch_id, done_at = excluded.done_at, sent_at = excluded.sent_at,
    events = sent.events + excluded.events, refused = sent.refused + excluded.refused,
    last_error = coalesce(excluded.last_error, sent.last_error), failures = 0, next_attempt_at = NULL;

-- name: lineage.record_failure
UPDATE lineage_sent
   SET failures = failures + 1, last_error = %(error)s,
       next_attempt_at = now() + %(pause_seconds)s * interval '1 second'
 WHERE subject = %(subject)s;
