"""The control plane: Dagster definitions, the command line, the embedded server and the data generator.

Nothing here imports pyspark. Only `definitions`, `assets`, `checks`, `sensors`, `jobs` and `resources`
import dagster; `settings` and `database` are plain and serve the data plane in `spark/` as well.
"""
