-- Files that were not what intake saw: nothing more of them is read. If still there they are registered anew.
UPDATE ingest_files AS f SET
    status = CASE v.reason WHEN 'chunk_changed' THEN 'changed' ELSE 'rejected' END,
    reason = CASE v.reason WHEN 'chunk_changed' THEN 'changed' ELSE 'unreadable' END,
    detail = CASE v.reason
        WHEN 'chunk_changed' THEN 'It changed or vanished after it was registered and before it was read.'
        ELSE 'It could be read when it was registered, but not by the task that had to load it.' END,
    chunks_open = 0
FROM unnest(%(file_ids)s::bigint[], %(reasons)s::text[]) AS v (file_id, reason)
WHERE f.file_id = v.file_id
