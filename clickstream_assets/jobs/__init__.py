"""The jobs that are no asset: the stream, its start and its stop (`stream`), and the nightly work (`maintenance`)."""
