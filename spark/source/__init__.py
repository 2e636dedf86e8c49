"""The Spark source: registered chunks of files as micro-batches, offsets being sequence numbers.

`data_source.ChunkSource` is the way in. `micro_batches` decides which chunks form the next micro-batch and how they
spread over tasks, `chunk_reader` reads and cleans one in a task, `occurrences` numbers identical rows of a file.
"""
