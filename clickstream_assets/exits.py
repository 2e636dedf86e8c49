"""How a program ends by an error that is to be expected: one sentence on standard error, and an exit code.

The only place that does this, for every command and for the stream.
"""

from __future__ import annotations

import os
import sys

import psycopg2

from clickstream_assets.contract import ExitCode
from clickstream_assets.errors import ClickstreamError
from clickstream_assets.fitness import LACKS_SCHEMA, sentence_of
from clickstream_assets.text import one_line, printable

EXPECTED = (ClickstreamError, psycopg2.Error, OSError)


def end_by(error: Exception, program: str) -> ExitCode:
    """Say on standard error why `program` ends, and return its exit code. `error` is one of `EXPECTED`."""
    sys.stderr.write(f"{program}: {sentence_for(error)}\n")
    if isinstance(error, ClickstreamError):
        return error.exit_code
    return ExitCode.TO_BE_MENDED if isinstance(error, LACKS_SCHEMA) else ExitCode.FAILED


def sentence_for(error: BaseException) -> str:
    """What an error says to a user, on one line. PostgreSQL's own messages name no password."""
    if isinstance(error, psycopg2.Error):
        return one_line(sentence_of(error))
    if isinstance(error, OSError) and error.strerror:
        name = error.filename
        if isinstance(name, str | bytes | os.PathLike):
            return f"{printable(os.fsdecode(name))} cannot be used: {error.strerror}."
        return f"{error.strerror}."
    if isinstance(error, EXPECTED):
        return one_line(error)
    return f"it failed unexpectedly, by {type(error).__name__}: {one_line(error)}"
