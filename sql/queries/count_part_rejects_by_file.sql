SELECT file_id, count(*) FROM {rejects} GROUP BY file_id
