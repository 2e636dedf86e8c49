"""When a program that lives and does nothing is started again: not too early, not twice, and no other one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from clickstream_assets.monitoring.dagster_state import DAEMON_SILENT_AFTER, DagsterState
from clickstream_assets.up.dagster import CODE_SERVER, DAEMON, WEBSERVER, Health
from clickstream_assets.up.hangs import CODE_SERVER_LOOKS, GRACE, WEBSERVER_LOOKS, Hangs

NOW = datetime(2026, 3, 1, 14, 5, tzinfo=UTC)
WELL = Health(answers=True, loaded=True, daemon=True)
AWAY = Health(answers=True, unreachable=True)
LATER = GRACE + 1


def heard(seconds_ago: float) -> DagsterState:
    return DagsterState(daemon_at=NOW - timedelta(seconds=seconds_ago), now=NOW)


def looks(
    hangs: Hangs,
    number: int,
    health: Health = WELL,
    state: DagsterState | None = None,
    now: float = LATER,
    answers: bool = True,
) -> list[dict[str, str]]:
    """What so many looks lead to; those that lead to nothing are left out."""
    state = heard(10) if state is None else state
    seen = [
        hangs.look(health, state, code_server_answers=answers, now=now + 10 * look) for look in range(number)
    ]
    return [found for found in seen if found]


def test_what_works_is_left_alone() -> None:
    assert looks(Hangs(0), 100) == []


def test_a_daemon_that_is_not_heard_of_is_started_again_once_and_gets_its_time() -> None:
    hangs, silent = Hangs(0), heard(DAEMON_SILENT_AFTER + 1)
    assert looks(hangs, 9, state=silent) == [{DAEMON: "has not been heard of for 1 min 16 s"}]
    assert looks(hangs, 1, state=silent, now=LATER * 2 + 1) == [
        {DAEMON: "has not been heard of for 1 min 16 s"}
    ]


@pytest.mark.parametrize(
    ("name", "number", "health", "answers"),
    [
        (WEBSERVER, WEBSERVER_LOOKS, Health(answers=False), True),
        (CODE_SERVER, CODE_SERVER_LOOKS, AWAY, True),
        (CODE_SERVER, CODE_SERVER_LOOKS, WELL, False),
    ],
    ids=["webserver", "code server, by the webserver", "code server, asked"],
)
def test_a_server_that_does_not_answer_again_and_again_is_started_again(
    name: str, number: int, health: Health, answers: bool
) -> None:
    hangs = Hangs(0)
    assert looks(hangs, number - 1, health, answers=answers) == []
    assert looks(hangs, 1) == [], "it has answered in between"
    assert looks(hangs, number - 1, health, answers=answers) == []
    assert looks(hangs, 1, health, answers=answers) == [{name: "does not answer"}]


def test_at_the_start_nothing_is_expected_and_a_database_that_does_not_tell_is_no_reason() -> None:
    hangs = Hangs(0)
    assert looks(hangs, 5, AWAY, heard(9999), now=1, answers=False) == []
    assert looks(hangs, 50, state=DagsterState()) == []
    assert hangs.look(WELL, None, code_server_answers=True, now=LATER) == {}
