"""The database awaited at the start of a command: it may be away just then, and be back a moment later. A stream that
runs waits by itself (`spark.stream`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import psycopg2

from clickstream_assets.contract import ExitCode
from clickstream_assets.errors import DatabaseError
from clickstream_assets.fitness import DatabaseReadOnly, sentence_of
from clickstream_assets.outages.errors import is_outage, pause_after
from clickstream_assets.text import one_line

Result = TypeVar("Result")


class DatabaseAway(DatabaseError):
    """It did not come back in time."""

    exit_code = ExitCode.FAILED


def when_it_serves(
    work: Callable[[], Result],
    say: Callable[[str | None], None],
    limit: float | None,
    pause: Callable[[float], bool],
) -> Result | None:
    """The result of `work`, begun anew until the database serves; None where `pause` says that all shall end.

    Args:
        say: gets a sentence, without its full stop, whenever it is a new one, and None once it is over.
        limit: seconds to wait; None: as long as it takes.
        pause: waits for so many seconds, and says whether all shall go on.

    Raises:
        DatabaseAway: not within `limit`.
    """
    began, tries, said = time.monotonic(), 0, ""
    while True:
        try:
            result = work()
        except (psycopg2.Error, DatabaseReadOnly) as error:
            if isinstance(error, psycopg2.Error) and not is_outage(error):
                raise
            sentence = one_line(sentence_of(error) if isinstance(error, psycopg2.Error) else error).rstrip(
                "."
            )
            if limit is not None and time.monotonic() - began >= limit:
                raise DatabaseAway(f"{sentence}; after {limit:.0f} s of waiting.") from None
            if sentence != said:
                said = sentence
                say(sentence)
            tries += 1
            if not pause(pause_after(tries)):
                return None
        else:
            if said:
                say(None)
            return result
