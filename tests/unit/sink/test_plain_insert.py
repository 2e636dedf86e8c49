"""When staged rows are inserted without looking for duplicates first."""

from __future__ import annotations

from spark.sink.plain_insert import MIN_ROWS, PAUSE, PlainInsert


def test_it_is_tried_for_as_long_as_no_duplicate_comes() -> None:
    plain = PlainInsert()
    assert [plain.is_worth_trying(MIN_ROWS) for _ in range(3)] == [True, True, True]


def test_after_a_duplicate_it_is_not_tried_for_a_while() -> None:
    plain = PlainInsert()
    plain.failed()
    assert [plain.is_worth_trying(MIN_ROWS) for _ in range(PAUSE + 1)] == [False] * PAUSE + [True]


def test_small_tables_are_never_tried_and_do_not_end_the_pause() -> None:
    plain = PlainInsert()
    plain.failed()
    assert not any(plain.is_worth_trying(MIN_ROWS - 1) for _ in range(2 * PAUSE))
    assert not plain.is_worth_trying(MIN_ROWS)
