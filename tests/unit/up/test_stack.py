"""The decisions of `clickstream up`, and what it says before it starts anything."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from clickstream_assets.errors import StartError
from clickstream_assets.settings import Settings
from clickstream_assets.up.dagster import Health, health_of
from clickstream_assets.up.stack import _only_one, check_port
from clickstream_assets.up.start import settle_seconds
from clickstream_assets.up.stop_signals import StopSignals


def answer(location: dict[str, object], status: str = "LOADED", healthy: bool = True) -> dict[str, object]:
    entry = {"name": "clickstream", "loadStatus": status, "locationOrLoadError": location}
    daemons = [
        {"daemonType": "SENSOR", "required": True, "healthy": healthy},
        {"daemonType": "BACKFILL", "required": False, "healthy": False},
    ]
    return {
        "data": {
            "workspaceOrError": {"locationEntries": [entry]},
            "instance": {"daemonHealth": {"allDaemonStatuses": daemons}},
        }
    }


LOADED = {"__typename": "RepositoryLocation"}


def test_all_is_well_when_the_assets_are_loaded_and_every_required_daemon_beats() -> None:
    assert health_of(answer(LOADED)).complete


def test_a_daemon_that_does_not_beat_is_not_well() -> None:
    assert health_of(answer(LOADED, healthy=False)) == Health(answers=True, loaded=True, daemon=False)


def test_a_location_that_still_loads_is_not_well_and_no_error() -> None:
    assert health_of(answer(LOADED, status="LOADING")) == Health(answers=True, daemon=True)


def test_an_error_in_the_definitions_is_told_in_its_first_line() -> None:
    error = {"__typename": "PythonError", "message": "dagster.X: no module named y\n\nStack Trace:\n  …"}
    assert health_of(answer(error)).load_error == "dagster.X: no module named y"


def test_a_code_server_that_does_not_answer_yet_is_no_error_of_the_definitions() -> None:
    error = {
        "__typename": "PythonError",
        "message": "dagster._core.errors.DagsterUserCodeUnreachableError: …",
    }
    health = health_of(answer(error))
    assert health.unreachable
    assert health.load_error is None
    assert not health.complete


@pytest.mark.parametrize(
    "nothing", [{}, {"data": None}, {"data": {"workspaceOrError": {}, "instance": None}}]
)
def test_an_answer_without_content_is_not_well(nothing: dict[str, object]) -> None:
    assert not health_of(nothing).complete


def test_our_generators_files_need_not_settle() -> None:
    assert settle_seconds(Settings.from_env({}), with_generator=True) == {"CLICKSTREAM_SETTLE_SECONDS": "0"}
    assert settle_seconds(Settings.from_env({"CLICKSTREAM_SETTLE_SECONDS": " "}), with_generator=True) != {}


def test_another_producers_files_settle_and_the_users_word_stands() -> None:
    assert settle_seconds(Settings.from_env({}), with_generator=False) == {}
    assert settle_seconds(Settings.from_env({"CLICKSTREAM_SETTLE_SECONDS": "2"}), with_generator=True) == {}


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"^port {port} .* set CLICKSTREAM_DAGSTER_PORT\.$"):
            check_port(port)


def test_a_second_up_of_the_same_home_is_refused_by_name_of_the_first(tmp_path: Path) -> None:
    with (
        _only_one(tmp_path),
        pytest.raises(StartError, match=rf"it runs already .*\(process {os.getpid()}\)"),
        _only_one(tmp_path),
    ):
        pass
    with _only_one(tmp_path):
        pass  # after the first has ended


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_asks_the_second_hurries(number: signal.Signals) -> None:
    stop = StopSignals()
    before = signal.getsignal(number)
    with stop.caught():
        assert not stop.requested
        signal.raise_signal(number)
        assert stop.requested
        assert not stop.hurry()
        signal.raise_signal(number)
        assert stop.hurry()
    assert signal.getsignal(number) is before
