"""What the ledger says of a file: its status and the values of its row."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clickstream_assets.file_names import FileState
from spark.inspection.inspection import Chunk, Inspection
from spark.intake.file_rows import AWAY, Committed, KnownState, file_row, new_row, status_of

STATE = FileState(1, 100, 2, 3_500_000_000)
CHUNK = Chunk(0, 90, 2, 7, 100, b"h")
READ = Inspection(STATE, b"content", chunks=(CHUNK,))
BEFORE = Committed(4, 7)


@pytest.mark.parametrize(
    ("inspection", "is_repeated", "status"),
    [
        (READ, False, "registered"),
        (READ, True, "duplicate"),
        (replace(READ, chunks=()), False, "committed"),  # no row is in it
        (replace(READ, reason="new_columns", is_held=True), False, "held"),
        (replace(READ, reason="new_columns", is_held=True), True, "duplicate"),
        (replace(READ, reason="new_columns"), False, "rejected"),
        (replace(READ, reason="new_columns"), True, "rejected"),
        (Inspection(STATE, reason=AWAY), False, "changed"),
    ],
)
def test_the_status_of_a_file(inspection: Inspection, is_repeated: bool, status: str) -> None:
    assert status_of(inspection, is_repeated=is_repeated) == status


def test_only_a_registered_file_has_open_chunks() -> None:
    assert file_row(READ, None, 1)["chunks_open"] == 1
    assert file_row(READ, BEFORE, 1)["chunks_open"] == 0
    assert file_row(replace(READ, reason="new_columns", is_held=True), None, 1)["chunks_open"] == 0


def test_the_rows_of_a_duplicate_are_those_of_the_first_delivery() -> None:
    row = file_row(replace(READ, chunks=()), BEFORE, None)
    assert (row["rows_expected"], row["rows_duplicate"], row["duplicate_of"]) == (7, 7, 4)
    row = file_row(READ, None, None)
    assert (row["rows_expected"], row["rows_duplicate"], row["duplicate_of"]) == (7, 0, None)


def test_a_file_that_cannot_be_read_is_a_duplicate_of_none() -> None:
    row = file_row(replace(READ, reason="not_text", detail="It is no text."), BEFORE, None)
    assert (row["status"], row["rows_duplicate"], row["duplicate_of"]) == ("rejected", 0, None)
    assert (row["reason"], row["detail"]) == ("not_text", "It is no text.")


def test_a_duplicate_has_no_reason_though_it_would_have_been_held_back() -> None:
    held = replace(READ, reason="new_columns", detail="They are new.", is_held=True)
    assert (file_row(held, BEFORE, None)["reason"], file_row(held, BEFORE, None)["detail"]) == (None, None)


def test_a_path_that_is_no_text_is_kept_as_bytes_besides() -> None:
    assert new_row(b"a.csv", READ, None, None)["raw_path"] is None
    row = new_row(b"\xff.csv", READ, None, None)
    assert (row["raw_path"], row["path"]) == (b"\xff.csv", r"\xff.csv")
    assert row["landed_at"] == "1970-01-01T00:00:03.500000+00:00"


def test_a_file_that_was_only_touched_is_no_new_delivery() -> None:
    known = KnownState(4, STATE, "committed", b"content")
    touched = replace(READ, state=replace(STATE, changed_ns=9))
    assert known.is_delivered_again(touched)
    assert not known.is_delivered_again(replace(READ, content_hash=b"other"))
    assert not replace(known, status="changed").is_delivered_again(touched)


@pytest.mark.parametrize(
    ("status", "reason", "is_aside"),
    [("changed", AWAY, True), ("changed", None, False), ("rejected", AWAY, False)],
)
def test_what_is_set_aside_could_not_be_read(status: str, reason: str | None, is_aside: bool) -> None:
    assert KnownState(4, STATE, status, None, reason).is_set_aside is is_aside
