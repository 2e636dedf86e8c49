"""Guards that the first job of a JVM is run once, and not before its time."""

from __future__ import annotations

import threading

from spark.stream.warm_up import WarmUp


def test_the_job_is_run_once_however_often_one_looks() -> None:
    begun = threading.Semaphore(0)
    warm_up = WarmUp(begun.release, after_seconds=0.0)
    warm_up.tick()
    assert begun.acquire(timeout=10)
    warm_up.tick()
    assert not begun.acquire(timeout=0.2)


def test_an_end_waits_for_a_job_that_runs() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), []

    def job() -> None:
        begun.set()
        may_end.wait(10)
        ended.append(1)

    warm_up = WarmUp(job, after_seconds=0.0)
    warm_up.wait()  # none has begun
    warm_up.tick()
    assert begun.wait(10)
    threading.Timer(0.1, may_end.set).start()
    warm_up.wait()
    assert ended == [1]


def test_what_waits_at_the_start_comes_before_it() -> None:
    begun: list[int] = []
    WarmUp(lambda: begun.append(1), after_seconds=3600.0).tick()
    assert begun == []
