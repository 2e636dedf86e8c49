"""Whether one file alone cannot be read: told by its neighbours, wherever the nearest one is."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from spark.content import neighbours
from spark.content.neighbours import another_is_readable


def is_alone(path: Path, root: Path) -> bool:
    return another_is_readable(bytes(path), bytes(root))


def test_a_file_beside_it_or_anywhere_in_the_directory_tells(tmp_path: Path) -> None:
    bad = tmp_path / "day" / "bad.csv"
    bad.parent.mkdir()
    bad.write_bytes(b"x")
    assert not is_alone(bad, tmp_path), "there is no other file"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "good.csv").write_bytes(b"x")
    assert is_alone(bad, tmp_path)
    (tmp_path / "other" / "good.csv").rename(bad.with_name("good.csv"))
    assert is_alone(bad, tmp_path)
    bad.unlink()
    assert is_alone(bad, tmp_path)


@pytest.mark.parametrize("kind", ["empty", "hidden", "link", "pipe", "directory"])
def test_what_gives_no_byte_tells_nothing(tmp_path: Path, kind: str) -> None:
    (tmp_path / "bad.csv").write_bytes(b"x")
    (outside := tmp_path.with_name("outside.csv")).write_bytes(b"x")
    match kind:
        case "empty":
            (tmp_path / "a.csv").touch()
        case "hidden":
            (tmp_path / ".a.csv").write_bytes(b"x")
        case "link":
            (tmp_path / "a.csv").symlink_to(outside)
        case "pipe":
            os.mkfifo(tmp_path / "a.csv")
        case _:
            (tmp_path / "a.csv").mkdir()
    assert not is_alone(tmp_path / "bad.csv", tmp_path)


def test_where_nothing_can_be_read_the_file_system_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (tmp_path / f"{number}.csv").write_bytes(b"x")
    assert is_alone(tmp_path / "1.csv", tmp_path)
    tried = []

    def failing(descriptor: int, size: int) -> Any:
        tried.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "read", failing)
    assert not is_alone(tmp_path / "1.csv", tmp_path)
    assert len(tried) == neighbours.TRIES, "it does not read all of a large directory"


def test_a_directory_that_cannot_be_listed_is_none_that_tells(tmp_path: Path) -> None:
    assert not is_alone(tmp_path / "gone" / "bad.csv", tmp_path / "gone")
