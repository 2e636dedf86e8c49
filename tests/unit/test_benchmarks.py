"""What the benchmarks' figures rest on: their files, their ratios, their count of CPU, and their SQL."""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from benchmarks.cpu import CpuMeter
from benchmarks.latency.distributor import Distributor
from benchmarks.latency.visibility import Awaited, Visibility
from benchmarks.loads.comparison import ratio
from benchmarks.loads.producers import write_producers
from benchmarks.loads.rees46 import write_rees46
from benchmarks.statements import SQL_DIR

ROWS = 4_000
LIMIT = 10.0  # seconds
BURN = "import time\nwhile time.process_time() < 0.5: pass"
EVENT = b"event_id,event_time,user_agent\n1,2025-01-01T00:00:00Z,x\n2,2025-01-01T00:00:01Z,'a, b'\n"


def test_strangers_files_have_the_rows_and_the_distinct_events_that_were_said(tmp_path: Path) -> None:
    events = write_rees46(ROWS, 2, 1, tmp_path)
    rows = [
        row for file in sorted(tmp_path.iterdir()) for row in csv.DictReader(file.read_text().splitlines())
    ]
    identities = {
        tuple(value for name, value in row.items() if name not in ("category_id", "category_code", "brand"))
        for row in rows
    }
    assert len(rows) == ROWS
    assert len(identities) == events < ROWS
    assert [row["event_time"] for row in rows] == sorted(row["event_time"] for row in rows)
    assert 0.2 < sum(row["category_code"] == "" for row in rows) / ROWS < 0.5


@pytest.fixture(scope="module")
def producers(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], int]:
    """The files of four producers, and how many events they are said to be."""
    directory = tmp_path_factory.mktemp("producers")
    events = write_producers(ROWS, directory)
    return sorted(directory.iterdir()), events


def test_producers_files_repeat_rows_within_a_file_and_across_files(
    producers: tuple[list[Path], int],
) -> None:
    files = [file.read_bytes().splitlines()[1:] for file in producers[0]]
    assert len(files) == 4
    assert sum(len(lines) for lines in files) == ROWS
    assert len({line for lines in files for line in lines}) == producers[1] == ROWS * 0.98
    assert all(max(Counter(lines).values()) > 1 for lines in files)
    assert all(set(lines) & set(files[number - 1]) for number, lines in enumerate(files))


def test_producers_files_cover_the_same_hours(producers: tuple[list[Path], int]) -> None:
    hours = [
        {row["event_time"][:13] for row in csv.DictReader(file.read_text().splitlines())}
        for file in producers[0]
    ]
    assert all(len(each & hours[0]) > 20 for each in hours)


def test_a_ratio_is_the_median_of_the_ratios_within_each_round() -> None:
    found = ratio([2.0, 9.0, 4.0], [1.0, 3.0, 4.0])
    assert (found.median, found.least, found.greatest) == (2.0, 1.0, 3.0)


def test_cpu_of_a_process_that_has_ended_is_counted() -> None:
    meter = CpuMeter([psutil.Process()])
    before = meter.seconds()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert meter.seconds() - before >= 0.4


def test_cpu_of_a_process_below_two_roots_is_counted_once() -> None:
    with subprocess.Popen([sys.executable, "-c", BURN + "\ninput()"], stdin=subprocess.PIPE) as child:
        own = psutil.Process(child.pid)
        deadline = time.monotonic() + LIMIT
        while sum(own.cpu_times()[:2]) < 0.4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        alone = CpuMeter([psutil.Process()]).seconds()
        both = CpuMeter([psutil.Process(), own]).seconds()
        child.communicate(b"\n")
    assert both - alone < 0.4


def test_cpu_of_an_orphan_that_has_ended_is_not_subtracted() -> None:
    burn = f"{BURN}\ninput()"
    orphan = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {burn!r}])\ninput()"
    with subprocess.Popen([sys.executable, "-c", orphan], stdin=subprocess.PIPE) as parent:
        meter = CpuMeter([psutil.Process()])
        deadline = time.monotonic() + LIMIT
        children: list[psutil.Process] = []
        while not children or sum(children[0].cpu_times()[:2]) < 0.4:
            assert time.monotonic() < deadline
            time.sleep(0.01)
            children = psutil.Process(parent.pid).children()
        before = meter.seconds()
        parent.kill()
        parent.wait()
        children[0].kill()
        children[0].wait(LIMIT)
    assert meter.seconds() >= before


class Expected(Visibility):
    """Notes what it is told of, and looks at nothing."""

    def __init__(self) -> None:
        self.files: list[Awaited] = []

    def expect(self, file: Awaited) -> None:
        self.files.append(file)


def test_each_directory_gets_each_file_and_its_last_event_is_awaited(tmp_path: Path) -> None:
    made, one, other = (tmp_path / name for name in ("made", "one", "other"))
    for directory in (made, one, other):
        directory.mkdir()
    tables = {one: Expected(), other: Expected()}
    content = EVENT.replace(b"'", b'"')
    with Distributor(made, dict(tables)):
        for number in range(3):
            (made / f".{number}").write_bytes(content)
            (made / f".{number}").rename(made / f"events-{number}.csv")
        deadline = time.monotonic() + LIMIT
        while any(made.iterdir()):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    for directory, table in tables.items():
        assert {file.name: file.read_bytes() for file in directory.iterdir()} == {
            f"events-{number}.csv": content for number in range(3)
        }
        assert sorted(file.number for file in table.files) == [0, 1, 2]
        assert {file.event_id for file in table.files} == {"2"}


def test_every_statement_of_the_benchmarks_is_used_and_every_one_used_is_there() -> None:
    there = {file.stem for file in SQL_DIR.glob("*.sql")}
    code = "".join(file.read_text() for file in SQL_DIR.parent.rglob("*.py"))
    assert there == set(re.findall(r'"([a-z_]+)"', code)) & there
    assert set(re.findall(r'(?:statement|on_table)\("([a-z_]+)"', code)) <= there
