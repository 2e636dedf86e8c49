"""Discovery: when a file is complete, and that none is handed out twice or never."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from clickstream_assets.file_names import FileState
from spark.discovery.candidate import Candidate
from spark.discovery.discovery import Discovery
from spark.discovery.settling import is_settled

SECOND = 1_000_000_000


def watch(root: Path, settle: float = 0.0) -> Discovery:
    return Discovery(os.fsencode(root), settle)


def until_settled(discovery: Discovery, count: int = 1, limit: float = 10.0) -> list[Candidate]:
    """Look again and again until `count` files were handed out."""
    found: list[Candidate] = []
    deadline = time.monotonic() + limit
    while len(found) < count and time.monotonic() < deadline:
        found += discovery.settled()
    return found


def names(candidates: list[Candidate]) -> list[bytes]:
    return [candidate.path for candidate in candidates]


def test_a_file_is_handed_out_once(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x")
    discovery = watch(tmp_path)
    assert names(discovery.settled()) == [b"a.csv"]
    discovery.sweep_now()
    assert discovery.settled() == []


def test_a_new_file_is_seen_without_waiting_for_a_sweep(tmp_path: Path) -> None:
    discovery = watch(tmp_path)
    discovery.settled()
    discovery._next_sweep = time.monotonic() + 3600
    (tmp_path / "b.csv").write_bytes(b"x")
    assert names(until_settled(discovery)) == [b"b.csv"]


@pytest.mark.parametrize("name", [".part", "_tmp.csv", "a.csv.part", "a.TMP", "a.csv~"])
def test_names_of_unfinished_work_are_not_touched_and_known(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    discovery = watch(tmp_path)
    assert discovery.settled() == []
    assert discovery.ignored == [os.fsencode(name)]


def test_a_file_whose_last_line_has_no_end_waits_longer(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\ny")
    (tmp_path / "b.csv").write_bytes(b"x\n")
    discovery = Discovery(os.fsencode(tmp_path), 0, unterminated_seconds=0.3)
    assert names(discovery.settled()) == [b"b.csv"]
    assert discovery.unterminated() == [b"a.csv"]
    assert discovery.waiting()
    started = time.monotonic()
    assert names(until_settled(discovery)) == [b"a.csv"]
    assert time.monotonic() - started >= 0.2


def test_a_last_line_that_gets_its_end_is_taken_then(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x\ny")
    discovery = Discovery(os.fsencode(tmp_path), 0, unterminated_seconds=3600)
    assert discovery.settled() == []
    with path.open("ab") as file:
        file.write(b"z\n")
    (found,) = until_settled(discovery)
    assert found.state.size_bytes == 5


def test_a_file_that_has_rested_for_long_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x\ny")
    moment = (tmp_path / "a.csv").stat().st_ctime_ns
    while time.time_ns() - moment < 50_000_000:
        pass
    discovery = Discovery(os.fsencode(tmp_path), 0, unterminated_seconds=0.05)
    assert names(discovery.settled()) == [b"a.csv"]


def test_a_file_that_was_held_comes_again_once_it_is_not_young(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\x1f\x8b of which the end cannot be seen")
    discovery = Discovery(os.fsencode(tmp_path), 0, unterminated_seconds=0.3)
    (found,) = discovery.settled()
    assert found.is_young
    discovery.hold(found)
    assert discovery.unterminated() == [b"a.csv"]
    (again,) = until_settled(discovery)
    assert (again.state, again.is_young) == (found.state, False)


def test_a_link_out_of_the_directory_stands_for_itself_unless_links_are_followed(tmp_path: Path) -> None:
    events = tmp_path / "events"
    events.mkdir()
    target = tmp_path / "secret.csv"
    target.write_bytes(b"x\n")
    (events / "link.csv").symlink_to(target)
    (events / "a.csv").write_bytes(b"x\n")
    (events / "inside.csv").symlink_to(events / "a.csv")
    discovery = watch(events)
    problems = {candidate.path: candidate.problem for candidate in discovery.settled()}
    assert problems == {b"a.csv": None, b"inside.csv": None, b"link.csv": "link_outside"}
    with target.open("ab") as file:
        file.write(b"what happens there is none of our business\n")
    discovery.sweep_now()
    assert discovery.settled() == []
    followed = Discovery(os.fsencode(events), 0, follow_links=True).settled()
    assert {candidate.problem for candidate in followed} == {None}


def test_files_in_subdirectories_are_found_also_when_the_directory_is_new(tmp_path: Path) -> None:
    discovery = watch(tmp_path)
    discovery.settled()
    (tmp_path / "2026" / "dt=01").mkdir(parents=True)
    (tmp_path / "2026" / "dt=01" / "a.csv").write_bytes(b"x")
    assert names(until_settled(discovery)) == [b"2026/dt=01/a.csv"]


def test_a_file_overwritten_in_place_is_handed_out_again(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x")
    discovery = watch(tmp_path)
    first = discovery.settled()[0]
    path.write_bytes(b"y")
    discovery.sweep_now()
    again = until_settled(discovery)
    assert names(again) == [b"a.csv"]
    assert again[0].state != first.state


def test_a_file_that_is_still_being_written_waits_until_it_rests(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"x")
    discovery = watch(tmp_path, settle=0.2)
    for _ in range(5):
        with path.open("ab") as file:
            file.write(b"more")
        discovery.sweep_now()
        assert discovery.settled() == []
    assert discovery.waiting()
    assert names(until_settled(discovery)) == [b"a.csv"]


def test_files_come_in_the_order_they_landed(tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        target = tmp_path / name
        target.write_bytes(b"x")
        before = target.stat().st_ctime_ns
        while time.time_ns() - before < 20_000_000:  # the next file gets a later tick of the kernel's clock
            pass
    assert names(watch(tmp_path).settled()) == [b"c", b"a", b"b"]


@pytest.mark.parametrize(
    "name",
    [
        b"a b.csv",
        b"[x]*?{y}.csv",
        b"a:b.csv",
        b"new\nline.csv",
        b"-rf.csv",
        b"\xff\xfe.csv",
        "ä€.csv".encode(),
    ],
)
def test_odd_names_are_names(tmp_path: Path, name: bytes) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))).write_bytes(b"x")
    assert names(watch(tmp_path).settled()) == [name]


def test_modification_times_of_the_past_and_the_future_change_nothing(tmp_path: Path) -> None:
    for name, moment in (("old", 0), ("new", time.time() + 30 * 86_400)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (moment, moment))
    assert sorted(names(watch(tmp_path).settled())) == [b"new", b"old"]


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to(tmp_path / "nowhere")
    problems = {candidate.path: candidate.problem for candidate in watch(tmp_path).settled()}
    assert problems == {b"pipe.csv": "not_a_file", b"link.csv": "broken_link"}


def test_a_directory_that_is_gone_is_no_end_of_watching(tmp_path: Path) -> None:
    folder = tmp_path / "sub"
    folder.mkdir()
    discovery = watch(tmp_path)
    discovery.settled()
    folder.rmdir()
    (tmp_path / "a.csv").write_bytes(b"x")
    assert names(until_settled(discovery)) == [b"a.csv"]


@pytest.mark.parametrize(
    ("unchanged", "age", "settle", "settled"),
    [
        (0.0, 0.0, 0.0, True),
        (0.0, 5.0, 1.0, True),
        (0.0, 0.5, 1.0, False),
        (1.0, -3600.0, 1.0, True),
        (0.5, -3600.0, 1.0, False),
    ],
    ids=[
        "no settling",
        "changed long ago",
        "changed just now",
        "clock set back, watched",
        "clock set back, not watched",
    ],
)
def test_a_file_is_complete_when_it_rested(
    unchanged: float, age: float, settle: float, settled: bool
) -> None:
    state = FileState(1, 1, 0, 1_000 * SECOND)
    assert is_settled(state, unchanged, int((1_000 + age) * SECOND), settle) is settled
