"""The errors that a user reads, and how programs end by them. Guards a traceback, a secret or a wrong exit code."""

from __future__ import annotations

import ast
import errno
from pathlib import Path

import psycopg2
import pytest

from clickstream_assets.errors import (
    ClickstreamError,
    DatabaseError,
    SettingsError,
    StartError,
    StreamError,
)
from clickstream_assets.exits import end_by
from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.text import first_line, one_line
from spark.lease import LeaseHeld, LeaseLost

# What is wrong with a file, a row or a value, or passes by itself: it never ends a program.
VERDICTS = {
    "AbsentColumn",
    "AbsentColumnError",
    "AwayError",
    "ContentChanged",
    "ContentError",
    "DefectError",
    "FilesChanged",
    "HeaderError",
    "LayoutError",
    "LockNotFree",
    "NotDelivered",
    "ObjectError",
    "Outage",
    "PatternError",
    "PriceError",
    "TimeFormatError",
    "TooDeepError",
    "UnreadableError",
    "_Refused",
}


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (SettingsError("X is 1: give 2."), "X is 1: give 2.", 2),
        (DatabaseError("the server is too old."), "the server is too old.", 2),
        (StartError("no Java."), "no Java.", 2),
        (StreamError("the Spark query failed: x"), "the Spark query failed: x", 1),
        (LeaseLost("gone"), "gone", 1),
        (LeaseHeld("another stream runs."), "another stream runs.", 3),
        (ClickstreamError("two\n  lines"), "two lines", 1),
        (
            psycopg2.OperationalError("connection refused\n\tIs the server running?\n"),
            "the database does not answer as it should: connection refused",
            1,
        ),
        (psycopg2.OperationalError(), "the database does not answer as it should: OperationalError", 1),
        (
            OSError(errno.ENOSPC, "No space left", "/data/x"),
            "/data/x cannot be used: No space left.",
            1,
        ),
        (OSError(errno.ENOSPC, "No space left"), "No space left.", 1),
        (
            OSError(errno.EACCES, "Permission denied", b"/a\nb"),
            r"/a\nb cannot be used: Permission denied.",
            1,
        ),
        (OSError("odd"), "odd", 1),
        (OSError(), "OSError", 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_program_ends_with_one_sentence_and_the_exit_code_of_the_error(
    error: Exception, said: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert end_by(error, "clickstream status") == code
    assert capsys.readouterr().err == f"clickstream status: {said}\n"


@pytest.mark.parametrize(
    "bad", ["localhost", "127.0.0.1:1", "127.0.0.1:1/x?sslmode=verify-full"], ids=["host", "port", "options"]
)
def test_no_message_of_a_failed_connection_holds_the_password(
    bad: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(psycopg2.OperationalError) as failed:
        psycopg2.connect(f"postgresql://nobody:s3cret@{bad}", connect_timeout=2)
    end_by(failed.value, "clickstream")
    assert "s3cret" not in capsys.readouterr().err


def test_every_error_of_the_project_has_the_one_base_or_is_a_verdict_on_data() -> None:
    bases = {
        node.name: {ast.unparse(base) for base in node.bases}
        for plane in ("clickstream_assets", "spark")
        for file in (PROJECT_ROOT / plane).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef)
    }
    ours = {"ClickstreamError"}
    while more := {name for name, of in bases.items() if of & ours} - ours:
        ours |= more
    foreign = {
        name for name, of in bases.items() if any(base.endswith(("Error", "Exception")) for base in of)
    }
    assert foreign - ours == VERDICTS


def test_exit_codes_are_written_in_one_place() -> None:
    others = {
        file.name: number
        for plane in ("clickstream_assets", "spark")
        for file in (PROJECT_ROOT / plane).rglob("*.py")
        for number in _exit_codes(file)
    }
    assert others == {}


def _exit_codes(file: Path) -> list[int]:
    """Numbers above 1 that a program in this file ends with; 1 is what a check that failed gives."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    exits = [call for call in calls if ast.unparse(call.func) in ("sys.exit", "SystemExit", "exit")]
    values = [
        argument.value for call in exits for argument in call.args if isinstance(argument, ast.Constant)
    ]
    return [value for value in values if isinstance(value, int) and value > 1]


@pytest.mark.parametrize(
    ("said", "first", "line"),
    [
        ("one", "one", "one"),
        ("\n one \n two\n", "one", "one two"),
        (ValueError("one\ntwo"), "one", "one two"),
        (ValueError(), "ValueError", "ValueError"),
        ("", "?", "?"),
        ("\n \t", "?", "?"),
    ],
    ids=["a line", "lines", "an error", "an error without a word", "nothing", "blanks"],
)
def test_a_message_of_several_lines_becomes_one(said: object, first: str, line: str) -> None:
    assert (first_line(said), one_line(said)) == (first, line)
