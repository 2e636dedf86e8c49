"""The control plane: Dagster, the command `clickstream`, the embedded PostgreSQL and the data generator.

Nothing here imports pyspark. At the top is what Dagster loads (`definitions`), what the generator offers
(`data_generator`) and what many packages need; the stream in `spark/` uses some of that, too, and no package of it.
"""
