INSERT INTO staging.finished_parts (batch_token, part_index, token, part)
VALUES (%(batch_token)s, %(part_index)s, %(token)s, %(part)s)
