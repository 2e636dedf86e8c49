"""The end of `clickstream up`, in the order that loses nothing.

The daemon first, or its sensor would start the stream again; the stream by SIGINT to its driver, so that it finishes
its micro-batch and its run ends well; everything else. The database, which is last, is `stack`'s.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

from clickstream_assets.supervision.program import stream_drivers
from clickstream_assets.up.dagster import DAEMON, run_workers
from clickstream_assets.up.processes import Children
from clickstream_assets.up.start import GENERATOR
from clickstream_assets.up.stop_signals import StopSignals

DAEMON_END = 4.0  # seconds: it ends between two ticks
RUNS_END = 8.0  # seconds: one micro-batch, Spark's own end, and the run's last words
REST_END = 3.0  # seconds


def end_all(children: Children, stop: StopSignals) -> None:
    """End all processes, politely as far as the user lets us."""
    children.ask_to_end(DAEMON)
    children.ask_to_end(GENERATOR)
    children.wait_for_end({DAEMON, GENERATOR}, DAEMON_END, stop.hurry)
    for name in (DAEMON, GENERATOR):
        children.kill(name)
    end_runs(lambda: children.process_groups, stop.hurry)
    children.end_all(0.0 if stop.hurry() else REST_END, stop.hurry)


def end_runs(process_groups: Callable[[], set[int]], hurry: Callable[[], bool] = lambda: False) -> None:
    """Ask the stream to end, and wait a while until all runs in the process groups have ended."""
    deadline = time.monotonic() + RUNS_END
    asked: set[int] = set()
    while not hurry() and time.monotonic() < deadline:
        drivers = set(stream_drivers(process_groups()))
        for pid in drivers - asked:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
        asked |= drivers
        if not drivers and not run_workers(process_groups()):
            break
        time.sleep(0.2)
