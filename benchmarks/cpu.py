"""CPU seconds of everything that takes part in a load: this process, all that it started, and PostgreSQL.

So the JVM, its Python workers and the server's backends count, those that have ended too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil  # type: ignore[import-untyped]

from benchmarks.statements import statement
from clickstream_assets.database import connect

TRIES = 20  # at a moment in which no process begins or ends


@dataclass(frozen=True)
class _Used:
    """CPU seconds of a process, of those below it that it waited for when they ended, and the process above it."""

    own: float
    ended: float
    parent: int | None


class CpuMeter:
    """Sums the CPU time of some processes and their descendants, from their starts on.

    What a process used until it ended is in its parent's figures, if that waited for it. Spark's Python workers lose
    their parent first: then what they used up to the last look counts.
    """

    def __init__(self, roots: Sequence[psutil.Process]) -> None:
        self._roots = roots
        self._last: dict[int, _Used] = {}
        self._total = 0.0

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
        """CPU seconds so far. Only differences mean something; they are never negative."""
        now: dict[int, _Used] = {}
        for _ in range(TRIES):
            now = self._look()
            # One that ended meanwhile may be counted twice or not at all: itself, and in what its parent waited for.
            if self._look().keys() == now.keys():
                break
        self._total += used_between(self._last, now)
        self._last = now
        return self._total

    def _look(self) -> dict[int, _Used]:
        found = {root.pid: _used(root) for root in self._roots}
        for root in self._roots:
            found |= {child.pid: _used(child) for child in root.children(recursive=True)}
        return {pid: used for pid, used in found.items() if used is not None}


def used_between(last: Mapping[int, _Used], now: Mapping[int, _Used]) -> float:
    """CPU seconds between two looks, by number of process."""
    known: dict[int, float] = defaultdict(
        float
    )  # by a process that goes on: what those below it had used that have ended since
    for pid in last.keys() - now.keys():
        above = last[pid].parent
        while above is not None and above not in now:
            above = last[above].parent if above in last else None
        if above is not None:
            known[above] += last[pid].own + last[pid].ended
    total = 0.0
    for pid, used in now.items():
        before = last.get(pid, _Used(0.0, 0.0, None))
        total += max(0.0, used.own - before.own) + max(0.0, used.ended - before.ended - known[pid])
    return total


def _used(process: psutil.Process) -> _Used | None:
    try:
        with process.oneshot():
            times, parent = process.cpu_times(), process.ppid()
    except psutil.NoSuchProcess:
        return None
    # Only Linux counts what ended.
    ended = getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return _Used(float(times.user + times.system), float(ended), parent)
