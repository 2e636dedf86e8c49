"""The lease between two streams, one after the other."""

from __future__ import annotations

from typing import Any

from databases import Database

from spark.lease import Lease


class SessionThatStays:
    """A connection that PostgreSQL has not ended yet though its client has closed it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def cursor(self) -> Any:
        return self._connection.cursor()

    def close(self) -> None:
        pass


def test_the_next_stream_need_not_wait_until_the_session_of_the_last_has_ended(database: Database) -> None:
    lost: list[str] = []
    first = Lease(database.writer_url, "catch-up", None, lost.append)
    session = first._connection
    first._connection = SessionThatStays(session)
    first.release("test")
    second = Lease(database.writer_url, "catch-up", None, lost.append)
    second.release("test")
    session.close()
    assert second.epoch == first.epoch + 1
    assert not lost
