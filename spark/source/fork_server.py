"""Starts the source's Python process within some 20 ms, by a fork of a process that has all loaded.

Spark starts a Python of its own for offsets and partitions with each query (`PythonStreamingSourceRunner`), and its
first micro-batch waits until that one has loaded pyspark and pyarrow: 0.3 s, more on a busy machine. The server loads
them while the JVM starts. `spark/startup/sitecustomize.py`, which runs first in what Spark starts, asks the server for
a child that takes over its standard streams and its environment; without a server it goes on as ever.
"""

from __future__ import annotations

import atexit
import gc
import os
import runpy
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import NoReturn

RUNNER = "pyspark.sql.streaming.python_streaming_source_runner"
STREAMS = 3  # file descriptors that a child takes over: input, output, errors
BACKLOG = 16
SIZE = struct.Struct("!I")  # of the environment that follows
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
VARIABLE = "SPARK_SOURCE_FORK_SERVER"  # the address, in the environment of Spark's Python processes


class ForkServer:
    """The server, started by this process. It ends with it, however that ends."""

    def __init__(self) -> None:
        # Not in the home: the address of a socket is 100 bytes at most. Only this user can enter the directory.
        self.address = Path(tempfile.mkdtemp(prefix="clickstream-source-")) / "source"
        command = [sys.executable, "-m", "spark.source.fork_server", str(self.address)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """End it. Its children go on until Spark ends them."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        self._process.stdin.close()
        self._process.wait()


@cache
def fork_server() -> ForkServer:
    """The one of this process."""
    server = ForkServer()
    atexit.register(server.stop)
    return server


def serve(address: str) -> None:
    """Listen at `address` until the standard input ends; remove its directory then."""
    import_module(RUNNER)
    import_module("spark.source.data_source")
    del sys.modules[RUNNER]  # it is run, and Python warns of running what is imported already
    gc.freeze()  # or else each child's first collection would copy what it shares with the server
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children leave nothing behind
    for number in STOPS:
        signal.signal(number, signal.SIG_IGN)  # of a terminal: the one who started it ends it
    with socket.socket(socket.AF_UNIX) as listener:
        # The name appears when it can be connected to. Before, Spark's process loads by itself.
        listener.bind(f"{address}.part")
        listener.listen(BACKLOG)
        os.rename(f"{address}.part", address)
        while listener in select.select([listener, sys.stdin], [], [])[0]:
            connection = listener.accept()[0]
            if os.fork() == 0:
                listener.close()
                _be_the_source(connection)
            connection.close()
    shutil.rmtree(Path(address).parent, ignore_errors=True)


def _be_the_source(connection: socket.socket) -> NoReturn:
    """In a child: take over the streams and the environment of the process that asked, and its work."""
    for number in (signal.SIGCHLD, *STOPS):
        signal.signal(number, signal.SIG_DFL)
    code = 1
    try:
        size, streams, *_ = socket.recv_fds(connection, SIZE.size, STREAMS)
        for place, stream in enumerate(streams):
            os.dup2(stream, place)
            os.close(stream)
        with connection.makefile("rb") as asked:
            variables = asked.read(*SIZE.unpack(size)).split(b"\0")
        os.environb.clear()
        os.environb.update(variable.partition(b"=")[::2] for variable in variables)
        threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
        runpy.run_module(RUNNER, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - as Python itself does it
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code & 0xFF)


def _end_with(connection: socket.socket) -> None:
    """Spark ends the process that it knows of, which is the one that asked."""
    connection.recv(1)
    os._exit(1)


if __name__ == "__main__":
    serve(sys.argv[1])
