"""Files that are wanted again: each is asked for once, and later once more where nothing came of it."""

from __future__ import annotations

from spark.intake.source_records import WantedFile
from spark.intake.wanted_files import ASK_AGAIN_SECONDS, WantedFiles

ONE = WantedFile("shop", 1, b"a.csv", True)
OTHER = WantedFile("web", 2, b"b.csv", False)


def test_a_file_is_asked_for_once_until_it_is_time_to_ask_again() -> None:
    files = WantedFiles()
    assert files.due([ONE, OTHER], {"shop", "web"}, 0.0) == [ONE, OTHER]
    assert files.due([ONE, OTHER], {"shop", "web"}, ASK_AGAIN_SECONDS) == []
    assert files.due([ONE], {"shop", "web"}, ASK_AGAIN_SECONDS + 1) == [ONE]


def test_a_source_that_is_not_there_is_asked_as_soon_as_it_is() -> None:
    files = WantedFiles()
    assert files.due([ONE], {"web"}, 0.0) == []
    assert files.due([ONE], {"web", "shop"}, 1.0) == [ONE]


def test_a_file_that_is_wanted_a_second_time_is_asked_for_at_once() -> None:
    files = WantedFiles()
    files.due([ONE], {"shop"}, 0.0)
    assert files.due([], {"shop"}, 1.0) == []
    assert files.due([ONE], {"shop"}, 2.0) == [ONE]
