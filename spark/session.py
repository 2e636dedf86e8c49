"""The Spark session of the stream: every setting with its reason.

Belongs here: configuration. Does not belong here: the query itself (`spark_streaming_to_postgres`).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession

from clickstream_assets.settings import PROJECT_ROOT

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
    # No authentication: for this machine only.
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.port": "4040",
    "spark.port.maxRetries": "64",
    # A micro-batch is small and has no shuffle: planning it again while it runs costs more than it saves.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    # Pruning columns of from_csv changes which records count as corrupt.
    "spark.sql.optimizer.enableCsvExpressionOptimization": "false",
    "spark.sql.csv.parser.columnPruning.enabled": "false",
    # All steps of the cleaning become one Java method, longer than HotSpot compiles by default: two to three times
    # slower interpreted.
    "spark.driver.extraJavaOptions": "-XX:-DontCompileHugeMethods",
    "spark.executor.extraJavaOptions": "-XX:-DontCompileHugeMethods",
    # Bigger Arrow batches for the COPY text, fewer round trips.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    # History that nobody looks at, for a program that runs for months.
    "spark.ui.retainedJobs": "50",
    "spark.ui.retainedStages": "50",
    "spark.ui.retainedTasks": "500",
    "spark.sql.ui.retainedExecutions": "20",
    "spark.sql.streaming.numRecentProgressUpdates": "10",
    "spark.sql.streaming.minBatchesToRetain": "20",
    "spark.sql.streaming.ui.retainedProgressUpdates": "50",
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    # Writers carry a token of their attempt, so a second attempt is harmless, but it is work for nothing.
    "spark.speculation": "false",
}

# Without Hadoop's native library the usual checkpoint manager starts a process for each file it writes. On a
# local disk the plain one is as safe, and writes no checksum files beside.
LOCAL_CHECKPOINT = {
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}


def start_session(master: str, home: Path, jdbc_jar: str | None = None) -> SparkSession:
    """A session on `master`, its scratch files under `home`, the JDBC driver on its path if one is given."""
    # Tasks run the Python of `python3` on PATH unless told; and they import this package.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    paths = [str(PROJECT_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    builder = SparkSession.builder.master(master).appName("clickstream")
    settings = dict(SETTINGS)
    settings["spark.local.dir"] = str(home / "spark")
    settings["spark.sql.warehouse.dir"] = str(home / "spark" / "warehouse")
    if master.startswith("local"):
        settings |= LOCAL_CHECKPOINT
    if jdbc_jar:
        settings["spark.jars"] = jdbc_jar
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("WARN")
    return session
