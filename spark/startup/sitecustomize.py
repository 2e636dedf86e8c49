"""Run by Python itself at the start of each of Spark's Python processes, which find this directory on PYTHONPATH.

Spark puts a copy of pyspark in a zip before the installed one. Modules in a zip are compiled anew in every process:
half a second, before the first file of a stream and whenever a worker is started.

The process of the source is forked from a server that has all loaded (`spark.source.fork_server`).

A worker that Spark leaves, because it was idle for a minute or its query ended, prints a traceback about its pipe.
"""

import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_others = [entry for entry in sys.path if not entry.endswith("pyspark.zip")]
if any(Path(entry, "pyspark", "__init__.py").is_file() for entry in _others):
    sys.path[:] = _others

RUNNER = "pyspark.sql.streaming.python_streaming_source_runner"
_print_exc = traceback.print_exc


def _print_what_matters(*arguments: object, **options: object) -> None:
    if not isinstance(sys.exc_info()[1], BrokenPipeError):
        _print_exc(*arguments, **options)  # type: ignore[arg-type]


def _say_what_matters(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Not that Spark has ended its query, or itself: nobody listens any more."""
    if not (isinstance(error, BrokenPipeError) or "CANNOT_OPEN_SOCKET" in str(error)):
        sys.__excepthook__(kind, error, trace)


if {"pyspark.daemon", "spark.python_daemon"} & set(sys.orig_argv):
    traceback.print_exc = _print_what_matters


def _be_forked(address: str) -> None:
    """Have the server's child do the work of this process, and wait for its end."""
    import socket

    with (
        socket.socket(socket.AF_UNIX) as connection,
        suppress(OSError),
    ):  # no server: this process loads by itself
        connection.connect(address)
        variables = b"\0".join(name + b"=" + value for name, value in os.environb.items())
        socket.send_fds(connection, [len(variables).to_bytes(4)], [0, 1, 2])
        connection.sendall(variables)
        with suppress(OSError):
            connection.recv(1)
        os._exit(0)


if {RUNNER, "spark.source.fork_server"} & set(sys.orig_argv):
    sys.excepthook = _say_what_matters
if RUNNER in sys.orig_argv:
    _server = os.environ.get("SPARK_SOURCE_FORK_SERVER")
    if _server is not None:
        _be_forked(_server)
