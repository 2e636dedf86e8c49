"""Faults of a soak that are a process's end, or its standing still."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import psutil
from soak_run import SoakRun

STILL_SECONDS = 15.0


def _driver(run: SoakRun) -> psutil.Process:
    return psutil.Process(run.streams.newest.process.pid)


def _kill_driver(run: SoakRun) -> None:
    process = run.streams.newest.process
    run.streams.killed.add(process.pid)
    process.kill()
    process.wait()


def _kill_jvm(run: SoakRun) -> None:
    run.streams.newest.jvm().kill()


def _kill_workers(run: SoakRun) -> None:
    for worker in run.streams.newest.workers():
        with suppress(psutil.NoSuchProcess):
            worker.kill()


def _kill_source(run: SoakRun) -> None:
    """The process of offsets and partitions; at times with the one that forks it."""
    server = next(p for p in _driver(run).children() if "spark.source.fork_server" in p.cmdline())
    doomed = server.children()
    if run.chance.random() < 0.5:
        doomed.append(server)
    for process in doomed:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _stop(run: SoakRun, process: psutil.Process) -> None:
    process.suspend()
    run.pause(STILL_SECONDS)
    process.resume()


def _stop_jvm(run: SoakRun) -> None:
    _stop(run, run.streams.newest.jvm())


def _stop_driver(run: SoakRun) -> None:
    _stop(run, _driver(run))


def _kill_generator(run: SoakRun) -> None:
    assert run.shop.process is not None
    run.shop.process.kill()
    run.shop.process.wait()


FAULTS: dict[str, Callable[[SoakRun], None]] = {
    "the driver is killed": _kill_driver,
    "the JVM is killed": _kill_jvm,
    "the Python workers are killed": _kill_workers,
    "the source's process is killed": _kill_source,
    f"the JVM stands still for {STILL_SECONDS:.0f} s": _stop_jvm,
    f"the driver stands still for {STILL_SECONDS:.0f} s": _stop_driver,
    "the generator is killed": _kill_generator,
}
