SELECT pg_notify('clickstream_batches', %(batch_id)s::text)
