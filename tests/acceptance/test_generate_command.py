"""`clickstream generate` as people run it: a process, its files, its manifest, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from strict_event_reader import count, event_files, read_all

GENERATE = [sys.executable, "-m", "clickstream_assets.cli", "generate"]
LIMIT = 60  # seconds


def generate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [*GENERATE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_a_history_is_what_its_manifest_says_and_a_seed_repeats_it(tmp_path: Path) -> None:
    options = ["--events", "20000", "--files", "8", "--duplicates", "5%", "--malformed", "0.02"]
    options += ["--late", "1%", "--seed", "42"]
    manifest_file = tmp_path / "manifest.json"
    first = generate(*options, "--out", tmp_path / "first", "--manifest", manifest_file)
    second = generate(*options, "--out", tmp_path / "second")
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert "18,600 unique events" in first.stdout

    manifest = json.loads(manifest_file.read_text())
    counts = count(event_files(tmp_path / "first"))
    for key in ("rows", "unique_events", "duplicates", "malformed"):
        assert manifest[key] == getattr(counts, key)
    assert (manifest["rows"], manifest["duplicates"], manifest["malformed"]) == (20_000, 1_000, 400)
    assert (manifest["late"], manifest["files"]) == (200, 8)

    pairs = zip(event_files(tmp_path / "first"), event_files(tmp_path / "second"), strict=True)
    assert all(one.name == other.name and one.read_bytes() == other.read_bytes() for one, other in pairs)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_live_shop_writes_until_it_is_asked_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    out, manifest_file = tmp_path / "events", tmp_path / "manifest.json"
    command = [*GENERATE, "--rate", "500", "--interval", "0.1", "--out", out, "--manifest", manifest_file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as shop:
        try:
            wait_for(lambda: out.exists() and len(event_files(out)) >= 5)
            shop.send_signal(number)
            _, told = shop.communicate(timeout=LIMIT)
        finally:
            shop.kill()
    assert shop.returncode == 0
    assert told == ""
    manifest = json.loads(manifest_file.read_text())
    assert manifest["rows"] == count(event_files(out)).rows
    assert manifest["files"] == len(event_files(out)) == len(list(out.iterdir()))
    newest = max(row.time.timestamp() for row in read_all(event_files(out)))
    assert abs(newest - time.time()) < LIMIT


def test_a_live_shop_ends_with_its_parent_and_a_kill_leaves_nothing_that_lasts(tmp_path: Path) -> None:
    command = [*GENERATE, "--rate", "200", "--interval", "0.1", "--out", str(tmp_path), "--exit-with-parent"]
    program = f"import subprocess\nchild = subprocess.Popen({command!r})\nprint(child.pid, flush=True)\nchild.wait()"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        try:
            wait_for(lambda: event_files(tmp_path))
        finally:
            parent.kill()
    wait_for(lambda: not _is_running(child))
    assert all(path.suffix == ".csv" for path in tmp_path.iterdir())


def _is_running(pid: int) -> bool:
    """Whether a process that is not our child still works; one that nobody reaps counts as ended."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "Give --events, or --rate"),
        (("--events", "10", "--duplicates", "7"), 2, "'7' is no share of the rows: write 0.05 or 5%"),
        (("--events", "10", "--until", "soon"), 2, "'soon' is no ISO 8601 time"),
        (("--events", "10", "--files", "11"), 2, "no more than there are events (10)"),
        (("--rate", "5", "--days", "2"), 2, "--days belongs to a finished history"),
        (("--events", "5", "--interval", "2"), 2, "--interval belongs to a live shop"),
        (("--rate", "0", "--files", "3", "--events", "5"), 2, "--files is 3"),
        (("--events", "5", "--out", "{file}/below"), 1, "Not a directory"),
        (("--events", "5", "--manifest", "{file}/below.json"), 2, "a_file is no directory"),
    ],
    ids=str,
)
def test_a_mistake_is_told_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    a_file = tmp_path / "a_file"
    a_file.touch()
    given = [argument.format(file=a_file) for argument in arguments]
    result = generate(*given, *([] if "--out" in given else ["--out", tmp_path / "events"]))
    assert result.returncode == code
    assert told in result.stderr
    assert "Traceback" not in result.stderr
