"""CPU seconds of everything that takes part in a load: this process, all that it started, and PostgreSQL.

So the JVM, its Python workers and the server's backends count, those that have ended too.
"""

from __future__ import annotations

from collections.abc import Sequence

import psutil  # type: ignore[import-untyped]

from benchmarks.statements import statement
from clickstream_assets.database import connect

TRIES = 20  # at a moment in which no process begins or ends


class CpuMeter:
    """Sums the CPU time of some processes and their descendants, from their starts on."""

    def __init__(self, roots: Sequence[psutil.Process]) -> None:
        self._roots = roots

    @classmethod
    def beside(cls, url: str) -> CpuMeter:
        """This process, and the server of `url`, which runs on this machine."""
        connection = connect(url, "benchmarks", autocommit=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement("own_backend"))
                ((backend,),) = cursor.fetchall()
            server = psutil.Process(backend).parent()
        finally:
            connection.close()
        return cls([psutil.Process(), server])

    def seconds(self) -> float:
        """CPU seconds so far. Only differences mean something."""
        total = 0.0
        for _ in range(TRIES):
            processes = self._processes()
            total = sum(_seconds(process) for process in processes.values())
            # One that ended meanwhile may be counted twice or not at all: itself, and in what its parent waited for.
            if self._processes().keys() == processes.keys():
                break
        return total

    def _processes(self) -> dict[int, psutil.Process]:
        found = {root.pid: root for root in self._roots}
        for root in self._roots:
            found |= {child.pid: child for child in root.children(recursive=True)}
        return found


def _seconds(process: psutil.Process) -> float:
    """Of the process and of those of its descendants that it waited for when they ended."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    # Only Linux counts what ended; elsewhere it is missing from both sides of a difference.
    ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return float(times.user + times.system + ended)
