"""The Spark session of the stream: every setting with its reason.

Configuration, on this machine and on a cluster. What is not set here may be in Spark's own `spark-defaults.conf`.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from clickstream_assets.errors import StreamError
from clickstream_assets.java import check_java
from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.settings import Settings
from spark.source.fork_server import VARIABLE, fork_server
from spark.stream.restarts import failure_cause

SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.ui.showConsoleProgress": "false",
    "spark.ui.port": "4040",
    "spark.port.maxRetries": "64",
    # A micro-batch is small and has no shuffle: planning it again while it runs costs more than it saves.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    # One Java class for all steps of a stage is made anew for each micro-batch, in the driver, before any task starts:
    # 19 of the 30 ms from the analysed statement to the job. Class by class, in the tasks, is sooner done.
    "spark.sql.codegen.wholeStage": "false",
    # Bigger Arrow batches for the JDBC sink, fewer round trips.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "50000",
    # Workers with this project loaded.
    "spark.python.daemon.module": "spark.python_daemon",
    # Over TCP each task waits 40 ms for an acknowledgement that the kernel delays (Nagle's algorithm), between Spark
    # and its Python: a third of a small micro-batch. Unix sockets know no such thing, and only this user can open them.
    "spark.python.unix.domain.socket.enabled": "true",
    # Each micro-batch has its plan described for Spark's web page: in full that takes 30 ms, and it is always the same.
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.debug.maxToStringFields": "3",
    "spark.sql.maxPlanStringLength": "2000",
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
    # Without Hadoop's native library the usual checkpoint manager starts a process for each file it writes. On a
    # local disk the plain one is as safe, and writes no checksum files beside. The checkpoint is the driver's
    # alone, on a cluster too: it holds offsets and no state.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
    "spark.hadoop.fs.file.impl": "org.apache.hadoop.fs.RawLocalFileSystem",
}

# Of Spark's Python processes: this project, and what they do at their start.
PYTHON_PATH = os.pathsep.join([str(PROJECT_ROOT / "spark" / "startup"), str(PROJECT_ROOT)])

# Loggers of what comes back as the error of the query.
TOLD_BY_US = (
    "org.apache.spark.sql.execution.streaming.runtime.MicroBatchExecution",
    "org.apache.spark.executor.Executor",
    "org.apache.spark.scheduler.TaskSetManager",
    "org.apache.spark.sql.execution.datasources.DataSourceManager",  # a source that replaces itself
    "org.apache.spark.scheduler.DAGScheduler",  # jobs of a query that has ended already
    "org.apache.hadoop.util.Shell",  # interrupted, where the query is
)

JVM_END_SECONDS = 5.0  # until a JVM that does not answer has an exit code

# No authentication: for this machine only.
LOCAL = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1"}

# The rows do not pass the JVM, and what it makes for a micro-batch is soon garbage. On few cores the serial collector
# does that as fast, without threads and tables of its own; the heap begins small, not with a part of all memory,
# and is given back after a backlog. Whoever knows better says so in `spark.driver.extraJavaOptions`: they come later.
JVM = "-XX:+UseSerialGC -Xms96m -XX:MinHeapFreeRatio=20 -XX:MaxHeapFreeRatio=40"
JVM_CORES = 4  # on more, the JVM chooses by itself

CLUSTER = {
    # An executor that is cut off is noticed after this; the files that it was reading are read by another one.
    "spark.network.timeout": "60s",
    "spark.executor.heartbeatInterval": "10s",
}


def start_session(settings: Settings, jdbc_jar: Path | None = None) -> SparkSession:
    """A session, its scratch files in the home, the JDBC driver on its path if one is given.

    On a cluster, the workers need this project and this Python at the same paths, and the events directory at its path.
    """
    # Tasks run the Python of `python3` on PATH unless told; and they import this package.
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join([PYTHON_PATH, *filter(None, [os.environ.get("PYTHONPATH")])])
    if settings.spark_master.startswith("local"):
        # The web pages know no other setting.
        os.environ["SPARK_LOCAL_IP"] = LOCAL["spark.driver.bindAddress"]
        # Each thread of the JVM may else have a heap of its own, outside Java's.
        os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    (settings.home / "spark").mkdir(exist_ok=True)  # where it cannot be, the JVM ends in fifty lines
    server = fork_server()  # loads while the JVM starts
    builder = SparkSession.builder.master(settings.spark_master).appName("clickstream")
    for name, value in session_settings(settings, jdbc_jar).items():
        builder = builder.config(name, value)
    session = _started(builder)
    session.sparkContext.environment[VARIABLE] = str(server.address)
    session.sparkContext.setLogLevel("WARN")
    _silence(session)
    return session


def _started(builder: SparkSession.Builder) -> SparkSession:
    """
    Raises:
        StartError: Java cannot serve.
        StreamError: Spark does not start for another reason.
    """
    try:
        return builder.getOrCreate()
    except (PySparkRuntimeError, Py4JError, OSError) as error:
        check_java()
        raise StreamError(f"Spark does not start: {failure_cause(str(error))}") from None


def how_jvm_ended(spark: SparkSession) -> str:
    """A sentence about a JVM that is gone."""
    process = getattr(spark.sparkContext._gateway, "proc", None)
    code = None
    with suppress(subprocess.TimeoutExpired, AttributeError):
        code = process.wait(JVM_END_SECONDS) if process is not None else None
    if code is not None and code < 0:
        return f"the Spark JVM was ended by {signal.Signals(-code).name}: by somebody, or for want of memory"
    how = "ended unexpectedly" if code is None else f"ended with exit code {code}"
    return f"the Spark JVM {how}; Spark's own log, above, may say why"


def _silence(session: SparkSession) -> None:
    """What `loading` says of a query that failed need not be said by four others, with a stack trace each."""
    assert session._jvm is not None  # noqa: S101 - no Spark Connect
    log4j = session._jvm.org.apache.logging.log4j
    for name in TOLD_BY_US:
        log4j.core.config.Configurator.setLevel(name, log4j.Level.OFF)
    logging.getLogger("py4j.clientserver").setLevel(logging.CRITICAL)
    # A traceback, where the JVM is gone: that is told once, by `how_jvm_ended`.
    vars(session.sparkContext._accumulatorServer)["handle_error"] = lambda *_: None


def is_alive(spark: SparkSession) -> bool:
    """Whether the JVM answers, and still has the session's context."""
    try:
        return not spark.sparkContext._jsc.sc().isStopped()
    except (Py4JError, ConnectionError, AttributeError):
        return False


def session_settings(settings: Settings, jdbc_jar: Path | None = None) -> dict[str, str]:
    """Spark's own settings; on one machine they are the same whatever is said of a cluster."""
    found = dict(SETTINGS)
    found["spark.local.dir"] = str(settings.home / "spark")
    found["spark.sql.warehouse.dir"] = str(settings.home / "spark" / "warehouse")
    if jdbc_jar is not None:
        found["spark.jars"] = str(jdbc_jar)
    if settings.spark_master.startswith("local"):
        if (os.cpu_count() or 1) <= JVM_CORES:
            found["spark.driver.defaultJavaOptions"] = JVM
        return found | LOCAL
    given = {
        "spark.driver.host": settings.spark_driver_host,
        "spark.driver.bindAddress": settings.spark_driver_bind_address,
        "spark.executor.memory": settings.spark_executor_memory,
        "spark.executor.cores": settings.spark_executor_cores,
        "spark.cores.max": settings.spark_max_cores,
    }
    found |= CLUSTER | {name: str(value) for name, value in given.items() if value is not None}
    found["spark.executorEnv.PYTHONPATH"] = PYTHON_PATH
    return found
