"""The data plane: the Spark Structured Streaming job and its parts. Nothing here imports dagster."""
