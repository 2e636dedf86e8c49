"""A command that finds no database at its start: it waits, for a time that it says, and then ends with one sentence."""

from __future__ import annotations

import psycopg2
import pytest

from clickstream_assets.errors import DatabaseError
from clickstream_assets.fitness import DatabaseReadOnly
from clickstream_assets.postgres.awaited import DatabaseAway, when_it_serves


class Server:
    """One that fails in these ways, one after the other, and then serves."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.said: list[str | None] = []
        self.pauses: list[float] = []

    def work(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return "done"

    def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return len(self.pauses) < 20

    def awaited(self, limit: float | None = None) -> str | None:
        return when_it_serves(self.work, self.said.append, limit, self.pause)


REFUSED = psycopg2.OperationalError("connection refused")
STARTING = psycopg2.OperationalError("it is starting up")


def test_each_reason_is_said_once_and_its_end_too() -> None:
    server = Server(REFUSED, REFUSED, STARTING, DatabaseReadOnly("it is read-only."))
    assert server.awaited() == "done"
    assert server.said == [
        "the database does not answer as it should: connection refused",
        "the database does not answer as it should: it is starting up",
        "it is read-only",
        None,
    ]
    assert server.pauses == sorted(server.pauses)


def test_a_database_that_serves_at_once_is_not_talked_about() -> None:
    server = Server()
    assert (server.awaited(), server.said, server.pauses) == ("done", [], [])


def test_after_the_limit_one_sentence_says_what_was_waited_for() -> None:
    with pytest.raises(DatabaseAway, match=r"^the database .*: connection refused; after 0 s of waiting\.$"):
        Server(REFUSED).awaited(0.0)


def test_a_command_that_is_asked_to_end_waits_no_longer() -> None:
    server = Server(*[REFUSED] * 99)
    assert server.awaited() is None
    assert len(server.pauses) == 20


@pytest.mark.parametrize(
    "error", [psycopg2.OperationalError('FATAL:  role "x" does not exist'), DatabaseError("it is too old")]
)
def test_what_does_not_pass_by_itself_is_not_waited_for(error: Exception) -> None:
    server = Server(error)
    with pytest.raises(type(error)):
        server.awaited()
    assert server.said == []
