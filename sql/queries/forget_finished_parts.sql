DELETE FROM staging.finished_parts WHERE batch_token = %(batch_token)s
