-- The same content under the same name, only its change time moved (chmod, a hard link): the same delivery.
UPDATE ingest_files SET changed_ns = %(changed_ns)s WHERE file_id = %(file_id)s
