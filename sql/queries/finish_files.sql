-- What the batch did to each file. A file is committed with its last chunk.
UPDATE ingest_files AS f SET
    rows_read = f.rows_read + b.read,
    rows_inserted = f.rows_inserted + b.inserted,
    rows_duplicate = f.rows_duplicate + b.duplicate,
    rows_rejected = f.rows_rejected + b.rejected,
    chunks_open = f.chunks_open - b.chunks,
    status = CASE WHEN f.chunks_open = b.chunks THEN 'committed' ELSE f.status END,
    committed_at = CASE WHEN f.chunks_open = b.chunks THEN clock_timestamp() END
FROM unnest(
    %(file_ids)s::bigint[], %(read)s::bigint[], %(inserted)s::bigint[], %(duplicate)s::bigint[],
    %(rejected)s::bigint[], %(chunks)s::integer[]
) AS b (file_id, read, inserted, duplicate, rejected, chunks)
WHERE f.file_id = b.file_id
