SELECT file_id, count(*) FROM merge_duplicates GROUP BY file_id
