DELETE FROM {rejects} WHERE file_id = ANY (%(files)s)
