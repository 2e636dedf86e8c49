SELECT part::text FROM staging.finished_parts
WHERE batch_token = %(batch_token)s AND part_index = %(part_index)s
ORDER BY token LIMIT 1
