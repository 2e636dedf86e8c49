"""Walking the events directory. Guards against a walk that stops at an odd name, or disagrees with intake's."""

from __future__ import annotations

import os
import socket
import tempfile
from dataclasses import astuple
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickstream_assets.file_names import EventsDirectory, FileState, ledger_path, signed_inode
from clickstream_assets.ledger.disk_view import list_event_files
from clickstream_assets.ledger.file_rows import array_literal
from spark.discovery.discovery import Discovery

ODD_NAMES = [
    b"a b.csv",
    b"new\nline.csv",
    b"glob*[x]?.csv",
    b"colon:.csv",
    b"-dash.csv",
    b"caf\xc3\xa9.csv",
    b"\xff\xfe.csv",
    b"qu\"o'te\\.csv",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_file_with_an_odd_name_is_listed_with_its_state(tmp_path: Path, name: bytes) -> None:
    full = tmp_path / os.fsdecode(name)
    full.write_bytes(b"12345")
    (file,) = list_event_files(EventsDirectory(tmp_path)).files
    stat = full.stat()
    assert file == (ledger_path(name), stat.st_ino, 5, stat.st_mtime_ns, stat.st_ctime_ns)


def test_directories_are_walked_and_hidden_names_are_left_out(tmp_path: Path) -> None:
    for name in (
        "a.csv",
        "sub/b.csv",
        "sub/deep/c.csv",
        ".hidden.csv",
        "_part.csv",
        ".dir/d.csv",
        "_dir/e.csv",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    listing = list_event_files(EventsDirectory(tmp_path))
    assert sorted(file.path for file in listing.files) == ["a.csv", "sub/b.csv", "sub/deep/c.csv"]
    assert listing.ignored == (".dir/", ".hidden.csv", "_dir/", "_part.csv")
    assert listing.unlistable == ()


def test_only_files_and_links_to_files_are_listed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "directory").mkdir(parents=True)
    (outside / "directory" / "not walked.csv").touch()
    (outside / "file.csv").write_text("123")
    events = tmp_path / "events"
    events.mkdir()
    (events / "link.csv").symlink_to(outside / "file.csv")
    (events / "loop").symlink_to(events)
    (events / "directory").symlink_to(outside / "directory")
    (events / "broken.csv").symlink_to(outside / "gone.csv")
    os.mkfifo(events / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(events / "socket.csv"))
        followed = list_event_files(EventsDirectory(events, follow_links=True)).files
        (link,) = list_event_files(EventsDirectory(events, follow_links=False)).files
    assert [(file.path, file.size_bytes) for file in followed] == [("link.csv", 3)]
    assert link == ("link.csv", *followed_not(events / "link.csv"))


def followed_not(link: Path) -> tuple[int, ...]:
    stat = link.lstat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


parts = st.sampled_from(
    ["a.csv", "b.csv", ".c", "_d", "e.part", "f.TMP", "g~", "sub", "sub.tmp", "link", "out", "ü.csv"]
)


@settings(deadline=None, max_examples=40)
@given(paths=st.sets(st.lists(parts, min_size=1, max_size=3).map("/".join), max_size=8), follow=st.booleans())
def test_what_is_listed_is_what_the_stream_takes(paths: set[str], follow: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        events, outside = Path(name) / "events", Path(name) / "outside"
        events.mkdir()
        outside.write_text("123\n")
        for path in sorted(paths, key=len, reverse=True):
            full = events / path
            full.parent.mkdir(parents=True, exist_ok=True)
            if not full.exists() and not full.is_symlink():
                match full.name:
                    case "link":
                        full.symlink_to(events / "a.csv")
                    case "out":
                        full.symlink_to(outside)
                    case _:
                        full.write_text("1\n")
        listing = list_event_files(EventsDirectory(events, follow_links=follow))
        discovery = Discovery(os.fsencode(events), 0, follow_links=follow)
        taken = [c for c in discovery.settled() if c.problem in (None, "link_outside")]
    assert {file.path: file[1:] for file in listing.files} == {
        ledger_path(candidate.path): astuple(candidate.state) for candidate in taken
    }
    assert [path.rstrip("/") for path in listing.ignored] == sorted(map(ledger_path, discovery.ignored))


def test_a_missing_events_directory_is_named(tmp_path: Path) -> None:
    listing = list_event_files(EventsDirectory(tmp_path / "gone"))
    assert (listing.files, listing.unlistable) == ((), (".",))


def test_a_directory_that_cannot_be_read_is_named_and_the_others_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("good/a.csv", "closed/b.csv"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    scandir = os.scandir

    def refuse(path: str) -> object:  # root may read everything, so the refusal is played
        if "closed" in path:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    listing = list_event_files(EventsDirectory(tmp_path))
    assert [file.path for file in listing.files] == ["good/a.csv"]
    assert listing.unlistable == ("closed",)


def test_a_directory_that_vanishes_during_the_walk_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    (tmp_path / "a.csv").touch()
    scandir = os.scandir

    def vanish(path: str) -> object:
        if "gone" in path:
            raise FileNotFoundError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", vanish)
    listing = list_event_files(EventsDirectory(tmp_path))
    assert ([file.path for file in listing.files], listing.unlistable) == (["a.csv"], ())


def test_an_array_literal_quotes_what_an_array_would_read_as_its_own() -> None:
    assert array_literal(["a,b", 'q"', "b\\", "{}", "null", ""]) == r'{"a,b","q\"","b\\","{}","null",""}'
    assert array_literal([]) == "{}"


def test_a_64_bit_inode_is_wrapped_into_a_bigint_in_both_planes_alike() -> None:
    assert [signed_inode(inode) for inode in (2**64 - 1, 2**63, 2**63 - 1, 1)] == [-1, -(2**63), 2**63 - 1, 1]
    status = os.stat_result((0o100644, 2**64 - 1, *range(8)))
    assert FileState.of(status).inode == -1
