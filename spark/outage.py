"""An outage as an error of its own: by its name it is known in what Spark says of a process that is not the driver."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from clickstream_assets.fitness import DatabaseReadOnly, sentence_of
from clickstream_assets.outages.errors import is_outage, passes

THE_DATABASE, THE_DIRECTORY = "the database", "the events directory"  # what one waits for
_IN_TEXT = re.compile(r"(?:^|[\s.])(Outage|DirectoryAway): (.+)")


class Outage(Exception):
    """Something that the stream needs is away for a while. The message is a sentence."""

    what = THE_DATABASE


class DirectoryAway(Outage):
    """The events directory is, or a file in it."""

    what = THE_DIRECTORY


@contextmanager
def told_as_outage() -> Iterator[None]:
    """Errors that pass by themselves leave as `Outage`, all others as they are."""
    try:
        yield
    except (psycopg2.Error, OSError) as error:
        if (sentence := outage_of(error)) is None:
            raise
        raise (DirectoryAway if isinstance(error, OSError) else Outage)(sentence) from None


def what_is_away(error: BaseException) -> str:
    """What is to be waited for, of an error that passes by itself."""
    if isinstance(error, Outage):
        return error.what
    found = _IN_TEXT.findall(str(error))
    is_directory = isinstance(error, OSError) or (found and found[-1][0] == DirectoryAway.__name__)
    return THE_DIRECTORY if is_directory else THE_DATABASE


def outage_of(error: BaseException) -> str | None:
    """The sentence about an error that passes by itself, also one of Spark about another process; None for others."""
    if isinstance(error, Outage | DatabaseReadOnly):
        return str(error)
    if isinstance(error, psycopg2.Error):
        return sentence_of(error) if is_outage(error) else None
    if isinstance(error, OSError):
        return sentence_about(error) if passes(error) else None
    found = _IN_TEXT.findall(str(error))
    return str(found[-1][1]).strip() if found else None


def sentence_about(error: OSError) -> str:
    """What a file system says."""
    name = error.filename
    where = name.decode("utf-8", "backslashreplace") if isinstance(name, bytes) else name
    return f"{where or 'the events directory'} cannot be read: {error.strerror or error}"
