SELECT batch_id FROM ingest_batches WHERE query_id = %(query_id)s AND spark_batch_id = %(spark_batch_id)s
