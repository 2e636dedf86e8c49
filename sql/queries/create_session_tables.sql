-- Once per session of the sink: the rows of a micro-batch that may be duplicates.
CREATE TEMP TABLE suspects ({columns}, batch_id bigint) ON COMMIT DELETE ROWS
