SELECT layout_id, columns, delimiter FROM ingest_layouts WHERE layout_id = ANY (%(layout_ids)s)
