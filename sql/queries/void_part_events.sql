DELETE FROM {events} WHERE file_id = ANY (%(files)s)
