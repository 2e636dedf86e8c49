"""Waiting for a database that is away, as intake does it: what was to be written is written later."""

from __future__ import annotations

import threading
from collections.abc import Callable

import psycopg2

from clickstream_assets.fitness import sentence_of
from clickstream_assets.outages.errors import is_outage, pause_after


class DatabaseWait:
    """`waits` is called with a sentence when an outage begins or has another cause, and with None when it is over.

    `let_go` closes the session that an outage has spoiled; `stop` ends a pause.
    """

    def __init__(
        self, waits: Callable[[str | None], None], let_go: Callable[[], None], stop: threading.Event
    ) -> None:
        self._waits = waits
        self._let_go = let_go
        self._stop = stop
        self._tries = 0  # in a row that failed

    @property
    def is_on(self) -> bool:
        return self._tries > 0

    def outlasted(self, work: Callable[[], None]) -> bool:
        """Do some work; False after a pause, where the database is away. Raises every other error."""
        outage = prevented_by(work)
        if outage is None:
            self.over()
            return True
        self._tries += 1
        self._waits(sentence_of(outage))
        self._let_go()
        self._stop.wait(pause_after(self._tries))
        return False

    def over(self) -> None:
        if self._tries:
            self._tries = 0
            self._waits(None)

    def unless_outage(self, work: Callable[[], None]) -> None:
        """Do some work that will be asked for again where an outage prevents it. Raises every other error."""
        if prevented_by(work) is not None:
            self._let_go()


def prevented_by(work: Callable[[], None]) -> psycopg2.Error | None:
    """Do some work; the outage of the database that has prevented it, or None. Raises every other error."""
    try:
        work()
    except psycopg2.Error as error:
        if not is_outage(error):
            raise
        return error
    return None
