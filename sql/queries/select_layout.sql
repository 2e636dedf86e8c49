SELECT layout_id FROM ingest_layouts
WHERE columns = %(columns)s AND delimiter = %(delimiter)s AND escape IS NOT DISTINCT FROM %(escape)s
