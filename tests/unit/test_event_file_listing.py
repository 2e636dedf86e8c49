"""Walking the events directory. Guards against a walk that stops at an odd name, or disagrees with intake's."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream_assets.waiting_files import array_literal, ledger_path, list_event_files
from spark.discovery import is_hidden, path_text

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
    (file,) = list_event_files(tmp_path).files
    stat = full.stat()
    assert file == (path_text(name), stat.st_ino, 5, stat.st_mtime_ns, stat.st_ctime_ns)


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
    listing = list_event_files(tmp_path)
    assert sorted(file.path for file in listing.files) == ["a.csv", "sub/b.csv", "sub/deep/c.csv"]
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
        assert [(file.path, file.size_bytes) for file in list_event_files(events).files] == [("link.csv", 3)]


def test_a_missing_events_directory_is_named(tmp_path: Path) -> None:
    listing = list_event_files(tmp_path / "gone")
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
    listing = list_event_files(tmp_path)
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
    listing = list_event_files(tmp_path)
    assert ([file.path for file in listing.files], listing.unlistable) == (["a.csv"], ())


@given(st.binary(min_size=1, max_size=30).filter(lambda name: not {0, 47} & set(name)))
def test_paths_and_hidden_names_are_those_of_intake(name: bytes) -> None:
    assert ledger_path(name) == path_text(name)
    assert ledger_path(os.fsdecode(name)) == path_text(name)
    assert ledger_path(name).startswith((".", "_")) == is_hidden(name)


def test_an_array_literal_quotes_what_an_array_would_read_as_its_own() -> None:
    assert array_literal(["a,b", 'q"', "b\\", "{}", "null", ""]) == r'{"a,b","q\"","b\\","{}","null",""}'
    assert array_literal([]) == "{}"


def test_a_64_bit_inode_is_wrapped_into_a_bigint() -> None:
    assert array_literal([2**64 - 1, 2**63, 2**63 - 1]) == "{-1,-9223372036854775808,9223372036854775807}"
