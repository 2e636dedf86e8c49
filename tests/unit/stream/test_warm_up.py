"""Guards when idle Python workers are kept: neither beside micro-batches nor twice at once."""

from __future__ import annotations

import threading

from spark.stream.idle_workers import IdleWorkers


def test_workers_are_kept_once_they_have_been_idle() -> None:
    touched = threading.Event()
    IdleWorkers(touched.set, keep_seconds=0.0).tick()
    assert touched.wait(10)


def test_workers_that_have_just_worked_are_left_alone() -> None:
    touched: list[int] = []
    workers = IdleWorkers(lambda: touched.append(1), keep_seconds=3600.0)
    workers.tick()
    workers.worked()
    workers.tick()
    assert touched == []


def test_a_job_that_waits_for_an_executor_is_not_joined_by_another() -> None:
    begun, may_end = threading.Semaphore(0), threading.Event()

    def touch() -> None:
        begun.release()
        may_end.wait(10)

    workers = IdleWorkers(touch, keep_seconds=0.0)
    workers.tick()
    assert begun.acquire(timeout=10)
    workers.tick()
    assert not begun.acquire(timeout=0.2)
    may_end.set()
