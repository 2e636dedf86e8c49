"""The usual Spark job as a program: `python -m benchmarks.latency.usual_job SOURCE CHECKPOINT`, until SIGINT.

Its session has Spark's own settings but for the time zone, the driver's path and addresses of this machine alone. The
database is that of the variable `URL`.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from pyspark.sql import SparkSession

from benchmarks.place import jdbc_jar
from benchmarks.variants.spark_job import start_usual_job

URL = "CLICKSTREAM_BENCHMARK_URL"  # never an argument, which all users of a machine see


def main() -> None:
    source, checkpoint = (Path(argument) for argument in sys.argv[1:3])
    builder = SparkSession.builder.master("local[*]").appName("usual job")
    for name, value in {
        "spark.jars": str(jdbc_jar()),
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.warehouse.dir": str(checkpoint.parent / "warehouse"),
        "spark.ui.showConsoleProgress": "false",
    }.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    query = start_usual_job(spark, source, checkpoint, os.environ[URL], available_now=False)
    with suppress(KeyboardInterrupt):
        query.awaitTermination()
    spark.stop()


if __name__ == "__main__":
    main()
