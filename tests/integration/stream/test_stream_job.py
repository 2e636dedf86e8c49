"""The stream as a run of Dagster, with a stand-in for Spark. Guards against runs that end without saying why."""

import os
import signal
import threading
from collections.abc import Iterator

import dagster as dg
import pytest
from control_plane import ControlPlane, wait_until

from clickstream_assets.jobs import stream as jobs
from clickstream_assets.supervision import run as stream_run
from clickstream_assets.supervision.run import StreamProgramFailed


@pytest.fixture
def ended_later(control: ControlPlane) -> Iterator[list[int]]:
    """Sends the driver the signals of this list, once it streams."""
    signals: list[int] = []

    def send() -> None:
        try:
            wait_until(lambda: has_observation(control))
        except TimeoutError:
            signals.append(signal.SIGKILL)  # rather than hang
        for number in signals:
            os.kill(control.lease("pid"), number)

    thread = threading.Thread(target=send)
    thread.start()
    yield signals
    thread.join()


def has_observation(control: ControlPlane) -> bool:
    return control.instance.fetch_observations(dg.AssetKey("events"), limit=1).records != []


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    (event,) = [event for event in result.all_events if event.is_step_failure]
    return str(event.step_failure_data.error.cause or event.step_failure_data.error)


def test_a_stream_that_is_asked_to_end_ends_its_run_well(
    control: ControlPlane, ended_later: list[int]
) -> None:
    ended_later.append(signal.SIGINT)
    result = control.execute("spark_stream")
    assert result.success
    assert control.lease("last_reason") == f"run {result.run_id[:8]} ended by itself, without an error"
    assert control.lease("dagster_run_id") == result.run_id
    (record,) = control.instance.fetch_observations(dg.AssetKey("events"), limit=2).records
    assert record.asset_observation is not None
    assert record.asset_observation.metadata["spark_ui"].value == "http://127.0.0.1:4040"


def test_a_stream_that_is_killed_fails_its_run_with_the_signal(
    control: ControlPlane, ended_later: list[int]
) -> None:
    ended_later.append(signal.SIGKILL)
    result = control.execute("spark_stream")
    assert not result.success
    assert "ended by SIGKILL" in failure_of(result)
    assert "ended by SIGKILL" in control.lease("last_reason")


def test_a_stream_that_fails_fails_its_run_with_the_programs_sentence(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "fail")
    result = control.execute("spark_stream")
    assert "CLICKSTREAM_EVENTS_DIR is no directory: make it." in failure_of(result)
    assert "is no directory" in control.lease("last_reason")


def test_a_second_stream_says_who_has_the_lease(control: ControlPlane) -> None:
    with control.stream() as first:
        assert f"process {first.pid}" in failure_of(control.execute("spark_stream"))
        assert first.poll() is None


class Interrupted(Exception):
    """As Dagster interrupts a run that is terminated: an exception out of nowhere."""


@pytest.mark.parametrize("behaviour", ["", "deaf"])
def test_terminating_the_run_ends_the_driver_even_a_deaf_one(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch, behaviour: str
) -> None:
    monkeypatch.setenv("STAND_IN", behaviour)
    monkeypatch.setattr(stream_run, "END_LIMIT", 1.0)
    monkeypatch.setattr(stream_run, "TICK", 0.1)

    @dg.op
    def streams_until_terminated(context: dg.OpExecutionContext) -> None:
        def interrupt() -> None:
            if control.lease("spark_ui_url"):
                raise Interrupted

        with pytest.raises(Interrupted):
            control.program.run(context, each_second=interrupt)

    @dg.job
    def terminated() -> None:
        streams_until_terminated()

    assert terminated.execute_in_process(instance=control.instance).success
    with pytest.raises(ProcessLookupError):
        os.kill(control.lease("pid"), 0)


def test_stopping_is_one_action_and_so_is_starting_again(control: ControlPlane) -> None:
    control.update_lease("failures = 4, next_attempt_at = now() + interval '5 minutes'")
    assert control.execute("stop_stream").success
    assert control.lease("wanted") == "stopped"
    assert control.execute("start_stream").success
    assert [control.lease(column) for column in ("wanted", "failures", "next_attempt_at")] == [
        "running",
        0,
        None,
    ]


def test_stopping_waits_for_the_end_of_the_stream(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = control.make_run(dg.DagsterRunStatus.STARTED, worker=os.getpid())
    with control.stream(run_id) as process:
        # In place of the code server: the worker is asked, and passes it on.
        monkeypatch.setattr(jobs, "end_run", lambda *_: process.send_signal(signal.SIGINT))
        assert control.execute("stop_stream").success
        assert process.wait(5) == 0


def test_stopping_says_when_the_stream_is_not_dagsters_to_stop(control: ControlPlane) -> None:
    with control.stream() as process:
        failure = failure_of(control.execute("stop_stream"))
        assert f"outside Dagster, as process {process.pid}" in failure
        assert control.lease("wanted") == "stopped"


def test_a_stream_whose_run_was_deleted_is_stopped_all_the_same(control: ControlPlane) -> None:
    run_id = control.make_run(dg.DagsterRunStatus.STARTED, worker=os.getpid())
    with control.stream(run_id) as process:
        control.instance.delete_run(run_id)
        assert control.execute("stop_stream").success
        assert process.wait(5) == 0


@pytest.mark.parametrize("supervised", [True, False], ids=["supervisor-on", "supervisor-off"])
def test_what_is_said_of_the_supervisor_where_the_stream_does_not_end_is_true(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch, supervised: bool
) -> None:
    monkeypatch.setattr(jobs, "STOP_LIMIT", 0.2)
    run_id = control.make_run(dg.DagsterRunStatus.STARTED, worker=os.getpid())
    with control.stream(run_id, "deaf"):
        control.instance.delete_run(run_id)
        control.update_lease(
            "supervised_at = now()" if supervised else "supervised_at = '2026-03-01 14:05:03+00'"
        )
        failure = failure_of(control.execute("stop_stream"))
    assert ("goes on ending it" in failure) is supervised
    assert ("has not looked since 2026-03-01 14:05:03 UTC" in failure) is not supervised


def test_the_writers_password_is_in_no_event_of_a_run(
    control: ControlPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN", "fail")
    result = control.execute("spark_stream")
    logs = "".join(str(entry) for entry in control.instance.all_logs(result.run_id))
    assert "is no directory" in logs
    assert "p%40ss" not in logs
    assert "p@ss" not in logs


def test_an_exit_code_that_is_not_ours_is_given_as_it_is() -> None:
    assert str(StreamProgramFailed(stream_run._sentence(134, "abort"), 134)).startswith(
        "the stream's process ended with exit code 134"
    )
