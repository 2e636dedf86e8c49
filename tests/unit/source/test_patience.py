"""Reading what may hang: what comes through, and when it is given up."""

from __future__ import annotations

import errno
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from spark.reading.flags import Flag
from spark.source.patience import or_set_aside, patiently


def test_all_comes_through_in_order_and_errors_as_they_are() -> None:
    assert list(patiently(iter(range(100)))) == list(range(100))

    def failing() -> Iterator[int]:
        yield 1
        raise ValueError("no")

    rows = patiently(failing())
    assert next(rows) == 1
    with pytest.raises(ValueError, match="no"):
        next(rows)


def test_what_does_not_come_in_time_is_away() -> None:
    released = threading.Event()

    def hanging() -> Iterator[int]:
        yield 1
        released.wait()

    assert list(patiently(hanging(), 0.05)) == [1, Flag.CHUNK_AWAY]
    released.set()


def test_a_file_system_that_says_that_it_is_away_is_believed_and_another_error_is_not_hidden() -> None:
    def broken(number: int) -> Iterator[int]:
        raise OSError(number, "told by the file system")
        yield 1

    assert list(patiently(broken(errno.ESTALE))) == [Flag.CHUNK_AWAY]
    with pytest.raises(PermissionError):
        list(patiently(broken(errno.EACCES)))


def test_a_file_alone_is_set_aside_and_one_among_others_that_fail_is_waited_for(tmp_path: Path) -> None:
    def broken(number: int) -> Iterator[int]:
        yield 1
        raise OSError(number, "told by the file system")

    root, bad = bytes(tmp_path), bytes(tmp_path / "bad.csv")
    with pytest.raises(OSError, match="told by"):
        list(or_set_aside(broken(errno.EIO), bad, root))
    (tmp_path / "good.csv").write_bytes(b"x")
    assert list(or_set_aside(broken(errno.EIO), bad, root)) == [1, Flag.CHUNK_AWAY]
    with pytest.raises(PermissionError):
        list(or_set_aside(broken(errno.EACCES), bad, root))


def test_nobody_reads_on_for_one_who_has_gone() -> None:
    before = threading.active_count()
    rows = patiently(iter(range(10**9)))
    assert next(rows) == 0
    rows.close()  # type: ignore[attr-defined]
    while threading.active_count() > before:
        pass
