"""What discovery makes of a file system that fails: it says why, forgets nothing, and hands out again."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from failing_mount import failing_mount, needs_fuse

from clickstream_assets.outages.mounts import NOT_MOUNTED
from spark.content.content import Content
from spark.content.errors import ContentError
from spark.discovery.candidate import Candidate
from spark.discovery.discovery import Discovery
from spark.discovery.place import EventsPlace
from spark.outage import DirectoryAway

STALE = os.strerror(errno.ESTALE)


def names(candidates: list[Candidate]) -> list[bytes]:
    return [candidate.path for candidate in candidates]


def until(discovery: Discovery, count: int) -> list[Candidate]:
    found: list[Candidate] = []
    deadline = time.monotonic() + 10
    while len(found) < count and time.monotonic() < deadline:
        found += discovery.settled()
    return found


class Failing:
    """Makes a function of `os` fail for paths that end so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, end: bytes, number: int) -> None:
        self.is_on = True
        real: Callable[..., Any] = getattr(os, name)

        def maybe(path: Any, *rest: Any, **options: Any) -> Any:
            if self.is_on and isinstance(path, bytes) and path.endswith(end):
                raise OSError(number, os.strerror(number), path)
            return real(path, *rest, **options)

        monkeypatch.setattr(os, name, maybe)


def test_a_directory_that_cannot_be_listed_is_told_and_its_files_come_once_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "a.csv").write_bytes(b"x\n")
    (tmp_path / "b.csv").write_bytes(b"x\n")
    failing = Failing(monkeypatch, "scandir", b"/sub", errno.ESTALE)
    discovery = Discovery(os.fsencode(tmp_path), 0.0)
    assert names(discovery.settled()) == [b"b.csv"], "what can be listed is handed out"
    assert discovery.trouble() == f"{tmp_path}/sub cannot be read: {STALE}"
    failing.is_on = False
    assert names(until(discovery, 1)) == [b"sub/a.csv"]
    discovery.sweep_now()
    discovery.settled()
    assert discovery.trouble() is None


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.ENAMETOOLONG, errno.ELOOP, errno.ENOTDIR, errno.EPERM]
)
def test_a_directory_that_will_never_be_listed_keeps_no_other_file_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Directories in each other, until the path was too long for the system, once stopped the intake of all files."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.csv").write_bytes(b"x\n")
    Failing(monkeypatch, "scandir", b"/sub", number)
    discovery = Discovery(os.fsencode(tmp_path), 0.0)
    assert names(discovery.settled()) == [b"b.csv"]
    assert discovery.trouble() is None
    (tmp_path / "c.csv").write_bytes(b"x\n")
    assert names(until(discovery, 1)) == [b"c.csv"]


@pytest.mark.parametrize("number", [errno.ESTALE, errno.ENOENT, errno.EACCES])
def test_without_the_directory_itself_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    Failing(monkeypatch, "scandir", os.fsencode(tmp_path), number)
    with pytest.raises(OSError, match=os.strerror(number)):
        Discovery(os.fsencode(tmp_path), 0.0).settled()


def test_a_file_that_could_not_be_read_comes_again_after_a_pause(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\n")
    discovery = Discovery(os.fsencode(tmp_path), 0.0)
    (candidate,) = discovery.settled()
    began = time.monotonic()
    discovery.put_back(candidate, OSError(errno.EIO, "Input/output error", os.fspath(tmp_path / "a.csv")))
    assert discovery.trouble() == f"{tmp_path}/a.csv cannot be read: Input/output error"
    assert discovery.waiting()
    assert names(until(discovery, 1)) == [b"a.csv"]
    assert time.monotonic() - began >= 0.5
    discovery.was_read(b"a.csv")
    assert discovery.trouble() is None


def test_nothing_is_told_any_more_of_a_file_that_was_taken_away(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\n")
    discovery = Discovery(os.fsencode(tmp_path), 0.0)
    (candidate,) = discovery.settled()
    discovery.put_back(candidate, OSError(errno.EIO, "Input/output error"))
    (tmp_path / "a.csv").unlink()
    discovery.sweep_now()
    assert discovery.settled() == []
    assert discovery.trouble() is None


def test_after_a_new_start_every_file_is_handed_out_once_more(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\n")
    discovery = Discovery(os.fsencode(tmp_path), 0.0)
    discovery.settled()
    discovery.start_over()
    assert names(discovery.settled()) == [b"a.csv"]


@needs_fuse
def test_a_mount_point_that_is_an_empty_directory_again_is_no_empty_events_directory(tmp_path: Path) -> None:
    """Neither for who saw it mounted, nor for a program that is started later; but for one that never did."""
    home = tmp_path / "home"
    home.mkdir()
    with failing_mount(tmp_path) as mount:
        root = os.fsencode(mount.path)
        place = EventsPlace(root, home)
        place.check()
        mount.unmount()
        for one in (place, EventsPlace(root, home)):
            with pytest.raises(DirectoryAway, match=NOT_MOUNTED):
                one.device()
        EventsPlace(root).check()
        EventsPlace(root, tmp_path / "new").check()
        mount.mount()
        for one in (place, EventsPlace(root, home)):
            assert one.device() == mount.path.stat().st_dev
        mount.unmount()
        (mount.path / "a.csv").write_bytes(b"")
        for one in (place, EventsPlace(root, home)):
            assert one.device() == mount.path.stat().st_dev, "somebody uses it all the same"
        (mount.path / "a.csv").unlink()
        EventsPlace(root, home).check()


@pytest.mark.parametrize(
    "number", [errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.ETIMEDOUT, errno.EHOSTDOWN]
)
def test_an_error_that_passes_says_nothing_about_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    file = os.fsencode(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(b"x\n")
    failing = Failing(monkeypatch, "open", b"a.csv", number)
    with pytest.raises(OSError, match=os.strerror(number)):
        Content(file)
    failing.is_on = False
    Failing(monkeypatch, "open", b"a.csv", errno.EACCES)
    with pytest.raises(ContentError):
        Content(file)
