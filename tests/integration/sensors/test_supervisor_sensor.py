"""The supervisor sensor against a real database and real processes. Guards against a stream that nobody restarts,
and against two of them."""

from __future__ import annotations

import os
from contextlib import closing

import dagster as dg
import pytest
from control_plane import ControlPlane, dead_process, wait_until

from clickstream_assets.database import connect
from clickstream_assets.jobs.stream import stop_stream
from clickstream_assets.ledger.facts import LeaseRow
from clickstream_assets.ledger.reads import read_lease
from clickstream_assets.sensors.sensors import spark_stream_supervisor
from clickstream_assets.sql_files import statement
from clickstream_assets.supervision import ends, limits, runs

STARTED = dg.DagsterRunStatus.STARTED
FAILURE = dg.DagsterRunStatus.FAILURE


def tick(control: ControlPlane) -> tuple[str, dict[str, str] | None]:
    """What the tick said, and the tags of the run that it launched."""
    result = control.tick(spark_stream_supervisor)
    said = result.skip_reason.skip_message if result.skip_reason else ""
    requests = result.run_requests or []
    assert len(requests) <= 1
    said, *look = (said or "").split(" (looked at ")
    assert requests or look, "a tick says what its look at the disk took"
    return said, dict(requests[0].tags) if requests else None


def ledger_lease(control: ControlPlane) -> LeaseRow:
    with closing(connect(control.database.reader_url, "tests", autocommit=True)) as connection:
        return read_lease(connection)


def test_a_fresh_system_gets_its_stream(control: ControlPlane) -> None:
    _, launched = tick(control)
    assert launched is not None
    assert launched["clickstream/launched-because"] == "no stream has run yet"
    assert control.lease("failures") == 1


def test_a_run_in_flight_is_not_doubled(control: ControlPlane) -> None:
    control.make_run(dg.DagsterRunStatus.STARTING)
    said, launched = tick(control)
    assert launched is None
    assert said.startswith("starting")


def test_starts_that_fail_are_repeated_after_growing_pauses_that_a_restart_does_not_forget(
    control: ControlPlane,
) -> None:
    pauses = []
    for _ in range(4):
        assert tick(control)[1] is not None
        said, launched = tick(control)  # a new daemon would read the same row
        assert launched is None
        pauses.append(control.lease("extract(epoch FROM next_attempt_at - now())::float"))
        control.update_lease("next_attempt_at = now()")
    assert "crash-looping" in said
    assert [round(pause / 5) for pause in pauses] == [1, 2, 4, 8]


def test_a_zombie_run_is_reaped_with_the_reason_and_replaced_on_the_same_tick(control: ControlPlane) -> None:
    zombie = control.make_run(STARTED, worker=dead_process())
    _, launched = tick(control)
    assert control.status(zombie) is FAILURE
    assert launched is not None
    assert zombie[:8] in launched["clickstream/launched-because"]
    assert "worker is gone" in launched["clickstream/launched-because"]


def test_a_run_whose_worker_lives_is_not_reaped(control: ControlPlane) -> None:
    run_id = control.make_run(STARTED, worker=os.getpid())
    tick(control)
    assert control.status(run_id) is STARTED


def test_a_process_that_inherited_the_workers_number_is_not_taken_for_it(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = control.make_run(STARTED, worker=os.getpid())
    monkeypatch.setattr(runs, "CLOCK_MARGIN", -1e9)  # as if this process had begun after the worker spoke
    tick(control)
    assert control.status(run_id) is FAILURE


def test_dead_runs_of_other_jobs_are_reaped_too(control: ControlPlane) -> None:
    dead = control.make_run(STARTED, worker=dead_process(), job=stop_stream)
    alive = control.make_run(STARTED, worker=os.getpid(), job=stop_stream)
    silent = control.make_run(STARTED, job=stop_stream)
    tick(control)
    assert [control.status(run_id) for run_id in (dead, alive, silent)] == [FAILURE, STARTED, STARTED]


def test_a_new_holder_is_not_judged_by_its_predecessors_row(control: ControlPlane) -> None:
    predecessor = control.make_run(STARTED, worker=os.getpid())
    ends.fail_run(control.instance, predecessor, "its worker was killed")
    with control.stream(predecessor):
        pass
    wait_until(lambda: not ledger_lease(control).lock_held)
    with closing(connect(control.database.writer_url, "a new stream")) as new, new.cursor() as cursor:
        cursor.execute(statement("lease.lock"))
        assert tick(control) == ("starting: a stream is taking the lease", None)


def test_a_holder_that_has_taken_the_lock_again_is_still_watched(control: ControlPlane) -> None:
    """Its session is younger than the stream; a stuck one would never be ended."""
    run_id = control.make_run(STARTED, worker=os.getpid())
    with control.stream(run_id):
        wait_until(lambda: control.lease("last_progress_at") is not None)
        control.update_lease("started_at = started_at - interval '1 hour', failures = 1")
        wait_until(lambda: tick(control) == ("idle: nothing is waiting", None))
        assert control.lease("failures") == 0


def test_failures_are_forgotten_once_the_stream_has_lived(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HEALTHY_AFTER", 0.5)
    monkeypatch.setattr(limits, "BEGUN_MARGIN", 0.2)
    run_id = control.make_run(STARTED, worker=os.getpid())
    with control.stream(run_id):
        control.update_lease("failures = 2")
        wait_until(
            lambda: tick(control) == ("idle: nothing is waiting", None) and not control.lease("failures")
        )
    assert control.lease("next_attempt_at") is None


def test_an_orphaned_driver_is_killed_and_then_replaced(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = control.make_run(STARTED, worker=os.getpid())
    with control.stream(run_id, "deaf") as driver:
        ends.fail_run(control.instance, run_id, "its worker was killed")
        assert tick(control)[1] is None
        assert driver.poll() is None, "it gets time to notice"
        monkeypatch.setattr(limits, "ORPHAN_LIMIT", 0.0)
        said, launched = tick(control)
        assert launched is None
        assert f"process {driver.pid} was killed" in said
        assert driver.wait(10) == -9
        wait_until(
            lambda: (
                control.lease("(SELECT count(*) FROM pg_locks WHERE relation = 'stream_lock'::regclass)") == 0
            )
        )
        assert tick(control)[1] is not None


def test_a_stream_on_another_host_is_ended_through_its_session(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = control.make_run(STARTED, worker=os.getpid())
    with control.stream(run_id, "deaf") as driver:
        control.update_lease("host = 'elsewhere'")
        ends.fail_run(control.instance, run_id, "its worker was killed")
        monkeypatch.setattr(limits, "ORPHAN_LIMIT", 0.0)
        assert "elsewhere were ended" in tick(control)[0]
        assert driver.wait(10) == 1


@pytest.mark.parametrize("wanted", ["running", "stopped"])
def test_a_stream_from_a_shell_is_left_alone(control: ControlPlane, wanted: str) -> None:
    with control.stream() as process:
        control.update_lease(f"wanted = '{wanted}', heartbeat_at = now() - interval '1 hour'")
        assert tick(control)[1] is None
        assert process.poll() is None


def test_stopped_on_purpose_stays_stopped(control: ControlPlane) -> None:
    control.update_lease("wanted = 'stopped'")
    for _ in range(2):
        said, launched = tick(control)
        assert launched is None
        assert said.startswith("stopped")


def test_the_reason_of_an_earlier_stream_is_not_given_for_a_later_death(control: ControlPlane) -> None:
    control.update_lease("last_reason = 'run 01234567 failed: disk full', started_at = now(), epoch = 5")
    _, launched = tick(control)
    assert launched is not None
    assert "left no word" in launched["clickstream/launched-because"]


def test_a_run_that_was_cancelled_in_the_queue_does_not_take_the_reason_of_the_stream_that_died(
    control: ControlPlane,
) -> None:
    died = control.make_run(STARTED, worker=os.getpid())
    ends.fail_run(control.instance, died, "its worker was killed")
    cancelled = control.make_run(dg.DagsterRunStatus.NOT_STARTED)
    run = control.instance.get_run_by_id(cancelled)
    assert run is not None
    control.instance.report_run_canceled(run)
    control.update_lease(f"last_reason = 'run {died[:8]} failed: disk full', started_at = now(), epoch = 5")
    _, launched = tick(control)
    assert launched is not None
    assert "disk full" in launched["clickstream/launched-because"]


def test_a_stream_whose_run_was_deleted_goes_on_and_says_so(control: ControlPlane) -> None:
    run_id = control.make_run(STARTED, worker=os.getpid())
    with control.stream(run_id) as driver:
        control.instance.delete_run(run_id)
        said, launched = tick(control)
        assert launched is None
        assert f"Dagster does not know its run {run_id[:8]}" in said
        assert driver.poll() is None


@pytest.mark.parametrize("behaviour", ["", "deaf"])
def test_a_stream_whose_run_was_deleted_is_ended_where_that_is_wanted(
    control: ControlPlane, behaviour: str
) -> None:
    run_id = control.make_run(STARTED, worker=os.getpid())
    with control.stream(run_id, behaviour) as driver:
        control.instance.delete_run(run_id)
        control.update_lease("wanted = 'stopped', wanted_at = now()")
        assert f"process {driver.pid} was asked to end" in tick(control)[0]
        if behaviour == "deaf":
            control.update_lease(f"wanted_at = now() - interval '{limits.KILL_AFTER + 1} s'")
            assert f"process {driver.pid} was killed" in tick(control)[0]
        assert driver.wait(10) == (-9 if behaviour == "deaf" else 0)
        assert tick(control)[1] is None


def test_every_look_is_noted_for_those_who_cannot_ask_dagster(control: ControlPlane) -> None:
    assert control.lease("supervised_at") is None
    tick(control)
    assert control.lease("now() - supervised_at < interval '10 s'")
