"""The same events in every format: strangers' rows as CSV, compressed, in UTF-16, as JSON lines and as Parquet."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from benchmarks.loads.comparison import MILLION, Comparison, Load, measured
from benchmarks.loads.throughput import require_events
from benchmarks.loads.workloads import WORKLOADS
from benchmarks.place import Place, benchmark_place
from benchmarks.variants import own

PLAIN = "CSV"
NUMBERS = ("product_id", "category_id", "price", "user_id")
GROUP_ROWS = 100_000  # of Parquet

Write = Callable[[bytes, Path], None]


def _to(suffix: str, made: Callable[[bytes], bytes]) -> Write:
    def write(content: bytes, path: Path) -> None:
        path.with_suffix(suffix).write_bytes(made(content))

    return write


def _objects(content: bytes) -> bytes:
    """An object a line: numbers as numbers, without what is empty."""
    table = _table(content)
    members = []
    for name in table.column_names:
        column = table[name].combine_chunks()
        sign = "" if name in NUMBERS else '"'
        filled = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
        members.append(pc.binary_join_element_wise(f',"{name}":{sign}', filled, sign, ""))
    rows = pc.binary_join_element_wise(*members, "", null_handling="replace", null_replacement="")
    lines = pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(rows, 1), "}\n", "")
    return lines.buffers()[2].to_pybytes()[: int(pc.sum(pc.binary_length(lines)).as_py())]


def _parquet(content: bytes, path: Path) -> None:
    """With the types that programs write: numbers, a price in floats, times in UTC, and nulls."""
    table = _table(content)
    columns = {}
    for name in table.column_names:
        column = table[name].combine_chunks()
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
        if name == "event_time":
            column = pc.strptime(column, "%Y-%m-%d %H:%M:%S UTC", "us").cast(pa.timestamp("us", "UTC"))
        elif name in NUMBERS:
            column = column.cast(pa.float64() if name == "price" else pa.int64())
        columns[name] = column
    pq.write_table(pa.table(columns), path.with_suffix(".parquet"), row_group_size=GROUP_ROWS)


def _table(content: bytes) -> pa.Table:
    names = content.partition(b"\n")[0].decode().strip().split(",")
    options = csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    return csv.read_csv(pa.BufferReader(content), convert_options=options)


FORMATS: Mapping[str, Write] = {
    PLAIN: _to(".csv", bytes),
    "CSV, gzip": _to(".csv.gz", lambda content: gzip.compress(content, 6)),
    "CSV, zstd": _to(".csv.zst", lambda content: pa.compress(content, "zstd", asbytes=True)),
    "CSV in UTF-16": _to(".csv", lambda content: content.decode().encode("utf-16")),
    "JSON lines": _to(".jsonl", _objects),
    "JSON lines, zstd": _to(
        ".jsonl.zst", lambda content: pa.compress(_objects(content), "zstd", asbytes=True)
    ),
    "Parquet": _parquet,
}


def measure_formats(rows: int, rounds: int, say: Callable[[str], None]) -> tuple[Comparison, dict[str, int]]:
    """Load `rows` rows in every format, `rounds` times after a round of warm-up. Returns the sizes in bytes, too."""
    workload = WORKLOADS["strangers"]
    result = Comparison(workload.about, rows)
    with (
        benchmark_place(with_jdbc=False) as place,
        tempfile.TemporaryDirectory(prefix="clickstream-bench-") as directory,
    ):
        say(f"Writing {rows:,} rows in {len(FORMATS)} formats …")
        plain = Path(directory) / "written"
        plain.mkdir()
        events = workload.write(rows, plain)
        place.ensure_partitions(workload.months)
        folders = {name: _written(plain, Path(directory) / name, write) for name, write in FORMATS.items()}
        sizes = {
            name: sum(file.stat().st_size for file in folder.iterdir()) for name, folder in folders.items()
        }
        for number in range(rounds + 1):
            for name, folder in folders.items():
                load = _load(place, folder, events)
                say(f"round {number or 'warm-up'}: {name}: {rows / load.seconds:,.0f} rows/s")
                if number:
                    result.add(name, "", load)
    return result, sizes


def formats_table(result: Comparison, sizes: Mapping[str, int]) -> str:
    """One row per format."""
    lines = [
        f"{result.rows:,} rows, medians (ranges) of {result.rounds} rounds:",
        "",
        "| format | MB | rows/s | CSV is … times as fast | CPU s per million rows |",
        "|---|---:|---:|---:|---:|",
    ]
    for name in result.loads:
        cells = [
            name,
            f"{sizes[name] / MILLION:,.0f}",
            f"{result.rows_per_second(name):,.0f}",
            str(result.times_as_fast(PLAIN, name)),
            f"{result.cpu_per_million(name):.1f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _written(plain: Path, folder: Path, write: Write) -> Path:
    folder.mkdir()
    for file in plain.iterdir():
        write(file.read_bytes(), folder / file.name)
    return folder


def _load(place: Place, folder: Path, events: int) -> Load:
    own.COPY.reset(place)
    place.clear_files()
    for file in folder.iterdir():
        shutil.copy(file, place.settings.events_dir)
    load = measured(place, own.COPY.load)
    require_events(place, own.COPY, events)
    own.COPY.reset(place)
    return load
