COPY {table} ({columns}, batch_id) FROM STDIN (FORMAT binary)
