"""A mount point that is an empty directory: told from a directory that was emptied, and from a new home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clickstream_assets.outages import mounts
from clickstream_assets.outages.mounts import check_mounted, mount_point, remember, why_away, why_no_room


class Mounts:
    """What counts as a mount point."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.points = {"/"}
        monkeypatch.setattr(os.path, "ismount", lambda path: str(path) in self.points)


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Mounts:
    return Mounts(monkeypatch)


@pytest.fixture
def drop(tmp_path: Path, points: Mounts) -> Path:
    """A directory of a file system that is mounted above it, and remembered."""
    drop = tmp_path / "nfs" / "shop" / "drop"
    drop.mkdir(parents=True)
    (tmp_path / "home").mkdir()
    points.points.add(str(tmp_path / "nfs"))
    remember(tmp_path / "home", drop)
    return drop


def is_away(home: Path, directory: Path) -> bool:
    sentence = why_away(home, directory)
    if sentence is None:
        check_mounted(home, directory)
        return False
    with pytest.raises(OSError, match=mounts.NOT_MOUNTED):
        check_mounted(home, directory)
    return True


def test_the_mount_point_is_the_nearest_one_above(tmp_path: Path, points: Mounts, drop: Path) -> None:
    assert mount_point(drop) == mount_point(drop / "not" / "there") == str(tmp_path / "nfs")
    points.points.add(str(drop))
    assert mount_point(bytes(drop)) == str(drop)
    assert mount_point(tmp_path) == "/"
    (tmp_path / "link").symlink_to(drop)
    assert mount_point(tmp_path / "link") == str(drop)


def test_a_directory_whose_file_system_is_gone_is_away_where_it_is_empty_or_missing(
    tmp_path: Path, points: Mounts, drop: Path
) -> None:
    home = tmp_path / "home"
    assert not is_away(home, drop)
    points.points.discard(str(tmp_path / "nfs"))
    assert is_away(home, drop)
    assert str(why_away(home, drop)).startswith(
        f"{drop} is empty, and the file system that was mounted at {tmp_path / 'nfs'} is not mounted any more: mount it"
    )
    drop.rmdir()
    assert is_away(home, drop)
    points.points.add(str(tmp_path / "nfs"))
    assert not is_away(home, drop)


def test_what_is_in_use_again_is_not_away_and_neither_is_what_the_sentence_says_to_delete(
    tmp_path: Path, points: Mounts, drop: Path
) -> None:
    points.points.discard(str(tmp_path / "nfs"))
    (drop / "a.csv").touch()
    assert not is_away(tmp_path / "home", drop)
    (drop / "a.csv").unlink()
    Path(str(why_away(tmp_path / "home", drop)).rpartition(" delete ")[2]).unlink()
    assert not is_away(tmp_path / "home", drop)


def test_an_emptied_directory_a_new_home_and_a_new_mount_are_no_alarm(
    tmp_path: Path, points: Mounts, drop: Path
) -> None:
    assert not is_away(tmp_path / "home", drop), "its files were archived"
    (tmp_path / "new").mkdir()
    points.points.discard(str(tmp_path / "nfs"))
    assert not is_away(tmp_path / "new", drop)
    local = tmp_path / "local"
    local.mkdir()
    remember(tmp_path / "home", local)
    points.points.add(str(local))
    assert not is_away(tmp_path / "home", local), "it was moved to a file system of its own"
    local.rmdir()
    points.points.discard(str(local))
    assert not is_away(tmp_path / "home", local), "it never was a mount"


def test_what_cannot_be_remembered_is_not(tmp_path: Path, points: Mounts, drop: Path) -> None:
    remember(tmp_path / "no" / "home", drop)
    (tmp_path / "home" / "mounts").rename(tmp_path / "home" / "kept")
    (tmp_path / "home" / "mounts").write_text("no directory")
    remember(tmp_path / "home", drop)
    assert not is_away(tmp_path / "home", drop)


@pytest.mark.parametrize(
    ("f_flag", "f_bavail", "says"),
    [
        (os.ST_RDONLY, 1, "its file system is read-only"),
        (0, 0, "no space is left in its file system"),
        (0, 1, None),
    ],
)
def test_a_file_system_that_takes_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, f_flag: int, f_bavail: int, says: str | None
) -> None:
    real = os.statvfs(tmp_path)
    found = os.statvfs_result((*real[:4], f_bavail, *real[5:8], f_flag, real[9]))
    monkeypatch.setattr(os, "statvfs", lambda _: found)
    directory = tmp_path / "not made yet"
    expected = None if says is None else f"{directory} cannot be written: {says}"
    assert why_no_room(tmp_path, directory) == expected
