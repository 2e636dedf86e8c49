"""Halving finds exactly the rows that are refused, wherever in the pages of their table they lie."""

from __future__ import annotations

import re

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream_assets.sql_files import statement as sql
from spark.sink.refusals import ROWS_PER_PAGE, Refused, by_file, is_about_a_row, merge_by_halves, sentence

Place = tuple[int, int]


class OfARow(psycopg2.errors.CheckViolation):
    pgcode = "23514"


class OfTheServer(psycopg2.errors.AdminShutdown):
    pgcode = "57P01"


class Table:
    """A table of rows by place, some of which are refused; and a cursor that takes note of savepoints."""

    def __init__(self, rows: set[Place], refused: set[Place], error: type[psycopg2.Error] = OfARow) -> None:
        self.rows, self.refused, self.error = rows, refused, error
        self.stored: list[Place] = []
        self.savepoints = 0
        self.merges = 0

    def execute(self, statement: str) -> None:
        self.savepoints += {
            sql("savepoint.set"): 1, sql("savepoint.release"): -1, sql("savepoint.undo"): -1
        }[statement]  # fmt: skip

    def between(self, first: str, last: str) -> list[Place]:
        low, high = (tuple(map(int, re.findall("[0-9]+", place))) for place in (first, last))
        return sorted(row for row in self.rows if low <= row < high)

    def merge(self, first: str, last: str) -> list[tuple[int, int]]:
        self.merges += 1
        rows = self.between(first, last)
        if self.refused & set(rows):
            raise self.error("not wanted")
        self.stored += rows
        return [(1, len(rows))] if rows else []

    def found(self, first: str, last: str) -> list[tuple[int, int]]:
        return [line_of(row) for row in self.between(first, last)]


def line_of(place: Place) -> tuple[int, int]:
    return 1, place[0] * ROWS_PER_PAGE + place[1]


def run(table: Table, pages: int) -> tuple[int, list[tuple[int, int]]]:
    inserted, refused = 0, []
    for result in merge_by_halves(table, pages, table.merge, table.found):  # type: ignore[arg-type]
        if isinstance(result, Refused):
            assert result.detail == "not wanted"
            refused.append((result.file_id, result.line_no))
        else:
            inserted += result[1]
    return inserted, refused


@given(st.data(), st.sampled_from([1, 2, 3, 7, 1_000, 4_194_303]))
def test_exactly_the_refused_rows_are_found_and_all_others_stored_once(
    data: st.DataObject, pages: int
) -> None:
    places = st.tuples(st.integers(0, min(pages - 1, 3)) | st.integers(0, pages - 1), st.integers(1, 300))
    rows = data.draw(st.sets(places, max_size=40))
    refused = data.draw(st.sets(st.sampled_from(sorted(rows)))) if rows else set()
    table = Table(rows, refused)
    inserted, found = run(table, pages)
    assert sorted(found) == sorted(map(line_of, refused))
    assert sorted(table.stored) == sorted(rows - refused)
    assert inserted == len(rows) - len(refused)


def test_one_refused_row_among_many_costs_few_attempts() -> None:
    rows = {(page, line) for page in range(100) for line in range(1, 101)}
    table = Table(rows, {(37, 50)})
    assert run(table, 100) == (9_999, [line_of((37, 50))])
    assert table.merges < 40


def test_a_table_without_pages_is_merged_without_a_fault() -> None:
    assert run(Table(set(), set()), 0) == (0, [])


def test_an_error_that_is_about_no_row_ends_the_merge() -> None:
    table = Table({(0, 1), (0, 2)}, {(0, 1)}, OfTheServer)
    with pytest.raises(OfTheServer):
        run(table, 1)


@pytest.mark.parametrize(
    ("code", "is_row"),
    [
        *(
            ("22P02", True),
            ("23505", True),
            ("23514", True),
            ("54000", True),
            ("P0001", True),
            ("44000", True),
        ),
        *(("57P01", False), ("53100", False), ("40001", False), ("25006", False), (None, False)),
    ],
)
def test_which_errors_are_about_a_row(code: str | None, is_row: bool) -> None:
    error = type("Error", (psycopg2.Error,), {"pgcode": code})("said")
    assert is_about_a_row(error) == is_row


def test_what_postgres_says_is_one_line_of_bounded_length() -> None:
    assert sentence(psycopg2.Error("two\n  lines\0")) == "two lines"
    assert len(sentence(psycopg2.Error("x" * 5_000))) == 1_000


def test_refused_rows_are_grouped_by_file() -> None:
    rows = [Refused(2, 5, "a"), Refused(1, 3, "b"), Refused(2, 4, "c")]
    assert by_file(rows) == {2: {5: "a", 4: "c"}, 1: {3: "b"}}
