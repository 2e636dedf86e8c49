"""Asking a file system that may not answer."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from clickstream_assets.sources.answering import answers, asked


def test_an_answer_comes_through_and_so_does_an_error() -> None:
    assert asked("a", lambda: 3) == 3
    with pytest.raises(PermissionError):
        asked("a", lambda: (_ for _ in ()).throw(PermissionError()))


def test_where_nothing_answers_one_thread_is_left_behind_however_often_it_is_asked() -> None:
    released = threading.Event()
    before = threading.active_count()
    assert [asked("b", released.wait, 0.01) for _ in range(5)] == [None] * 5
    assert threading.active_count() == before + 1
    released.set()
    while threading.active_count() > before:
        pass
    assert asked("b", lambda: 4, 10) == 4


def test_a_directory_that_is_not_there_is_an_answer(tmp_path: Path) -> None:
    assert answers(tmp_path)
    assert answers(tmp_path / "none")
