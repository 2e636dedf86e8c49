"""Files that wait for the end of their last line. Guards against a reason that is none."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from clickstream_assets.ledger.line_ends import without_line_end


def named(directory: Path, seconds: float = 60) -> tuple[str, ...]:
    return without_line_end(directory, [path.name for path in directory.iterdir()], seconds)


@pytest.mark.parametrize(
    ("content", "waits"),
    [(b"a\n1", True), (b"a\n1\n", False), (b"", False), (gzip.compress(b"a", mtime=0), False)],
)
def test_a_file_waits_where_its_last_byte_is_no_line_end(tmp_path: Path, content: bytes, waits: bool) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert named(tmp_path) == (("a.csv",) if waits else ())


def test_a_file_that_has_not_changed_for_long_enough_waits_for_something_else(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a\n1")
    assert named(tmp_path, seconds=60) == ("a.csv",)
    assert named(tmp_path, seconds=0) == ()


def test_links_fifos_and_names_that_are_not_on_disk_are_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "events"
    directory.mkdir()
    (tmp_path / "outside").write_bytes(b"secret")
    (directory / "link.csv").symlink_to(tmp_path / "outside")
    (directory / "gone.csv").write_bytes(b"a\n1")
    (directory / "pipe.csv").write_bytes(b"a\n1")
    paths = [path.name for path in directory.iterdir()]
    (directory / "gone.csv").unlink()
    (directory / "pipe.csv").unlink()
    os.mkfifo(directory / "pipe.csv")
    assert sorted(paths) == ["gone.csv", "link.csv", "pipe.csv"]
    assert without_line_end(directory, paths, 60) == ()
