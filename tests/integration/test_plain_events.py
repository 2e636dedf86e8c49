"""Plain events leave with the very text that the cleaning makes of them, whatever a file says."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from spark.chunk_reader import ChunkToRead, read_chunk
from spark.cleaning import cleaning_sql, on_records
from spark.content import FileState
from spark.copy_text import copy_text_sql
from spark.fields import Columns
from spark.header import FIELDS, Layout
from spark.plain_events import PlainEvents
from spark.source_mapping import SourceMapping
from spark.time_bounds import TimeBounds

pytestmark = pytest.mark.spark

MAPPING = SourceMapping(
    actions={"angesehen": "view", "gekauft": "purchase", "add": "purchase"}, time_zone="Europe/Berlin"
)
NOTHING_SAID = (
    "",
    " ",
    "null",
    "NULL",
    "None",
    "(Not Set)",
    "undefined",
    "undef\u0131ned",
    "\\N",
    "\\n",
    "nul",
    "n\u212a",
)
IDS = (
    "u1",
    "a b",
    "ünï",
    'say ""hi""',
    '"a,b"',
    "x" * 256,
    "x" * 257,
    "ü" * 130,
    "\u00a0u\u3000",
    "\\.",
    "'; --",
    "0",
)
VALUES = {
    "event_id": (
        "11111111-2222-4333-8444-555555555555", "ABCDEF01-2222-4333-8444-55555555555F",
        "abcdef01-2222-4333-8444-55555555555f",
        "1111111122224333844455555555555", "g1111111-2222-4333-8444-555555555555", "42", *NOTHING_SAID,
        "11111111-2222-4333-8444-5555555555555", "{11111111-2222-4333-8444-555555555555}",
    ),
    "user_id": (*IDS, *NOTHING_SAID),
    "session_id": (*IDS, *NOTHING_SAID),
    "action_type": (
        "view", "VIEW", "View", "pageview", "Add To Cart", "add", "ADD", "angesehen", "GEKAUFT", "purchase", "remove",
        "v\u0131ew", "transact\u0130on", "delete", *NOTHING_SAID,
    ),
    "product_id": (*IDS, *NOTHING_SAID),
    "event_time": (
        "2026-01-01T00:00:00Z", "2026-01-31 23:59:59.9Z", "2026-02-28T12:00:00.123456Z", "2024-02-29T00:00:00Z",
        "2026-02-29T00:00:00Z", "2000-02-29T00:00:00Z", "2026-02-30T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-04-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-10T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T23:60:00Z", "2026-01-01T23:59:60Z", "2026-01-01T00:00:00.1234567Z",
        "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00z", "2026-01-01T00:00:00", "2026-01-01T00:00:00+00:00",
        "2026-01-01T00:00:00 UTC", "2026-01-01", "1767225600", "1767225600123", "1999-12-31T23:59:59Z",
        "2000-01-01T00:00:00Z", "2099-12-31T00:00:00Z", "12:00:00", "event_time", *NOTHING_SAID,
    ),
    "price": (
        "", "1", "1.50", "+2.5", "0", "-1", "-0", ".5", "5.", "1e3", "NaN", "1,5", "0.00000000001", "9" * 15, "9" * 16,
        "1.2.3", "free", *NOTHING_SAID,
    ),
    "user_agent": ("", "Mozilla/5.0", '"Mozilla, like ""Gecko"""', "x" * 2000, "x" * 2001, "ü" * 1001, *NOTHING_SAID),
}  # fmt: skip
GOOD = {name: values[0] for name, values in VALUES.items()} | {"price": "1.50", "user_agent": "Mozilla/5.0"}


def hostile_rows() -> Iterator[dict[str, str]]:
    """Each value of each field in an otherwise good row, then any of them together."""
    for name, values in VALUES.items():
        for value in values:
            yield GOOD | {name: value}
    chance = random.Random(5)
    while True:
        chosen = chance.sample(FIELDS, chance.randint(1, 3))
        yield GOOD | {name: chance.choice(VALUES[name]) for name in chosen}


def chunk_of(path: Path, columns: tuple[str, ...], content: bytes) -> ChunkToRead:
    header = (",".join(columns) + "\n").encode()
    path.write_bytes(header + content)
    return ChunkToRead(
        seq=1,
        file_id=7,
        path=b"",
        state=FileState.of(path.stat()),
        compression=None,
        columns=Columns.of(Layout(columns, ",")),
        bounds=TimeBounds.at(datetime(2026, 11, 1, tzinfo=UTC)),
        byte_offset=len(header),
        byte_length=len(content),
        first_line=2,
    )


def by_line(text: str) -> dict[int, str]:
    """COPY's lines by `line_no`: no value of these tests has a newline in it."""
    return {int(line.split(",")[1]): line for line in text.splitlines(keepends=True)}


def both_ways(
    spark: SparkSession, path: Path, chunk: ChunkToRead, mapping: SourceMapping
) -> tuple[dict[int, str], dict[int, str], list[pa.RecordBatch]]:
    """The lines of plain events, those that the cleaning makes of all events, and the records that are left to it."""
    plain = PlainEvents.of(mapping)
    assert plain is not None
    batches = list(read_chunk(os.fsencode(path), chunk, plain))
    blocks = [value for batch in batches for value in batch["plain"].drop_null().to_pylist()]
    left = [batch for batch in batches if batch["plain"].null_count]
    everything = pa.Table.from_batches(read_chunk(os.fsencode(path), chunk))
    statement = copy_text_sql(cleaning_sql("merge", mapping))
    staged = on_records(spark.createDataFrame(everything), statement, mapping).collect()
    cleaned = by_line("".join(row.event_line for row in staged if row.event_line))
    taken = by_line("".join(block["text"].decode() for block in blocks))
    assert sum(block["rows"] for block in blocks) == len(taken)
    times = {row.event_line: row.event_us for row in staged if row.event_line}
    for block in blocks:
        ours = [times[line] for line in by_line(block["text"].decode()).values()]
        assert (block["file_id"], block["first_us"], block["last_us"]) == (7, min(ours), max(ours))
        months = {datetime.fromtimestamp(us // 1_000_000, UTC).strftime("%Y-%m-01") for us in ours}
        assert block["months"].split(",") == sorted(months)
    return taken, cleaned, left


@pytest.mark.parametrize("mapping", [SourceMapping(), MAPPING], ids=["unmapped", "mapped"])
def test_the_text_of_plain_events_is_the_one_that_the_cleaning_makes(
    spark: SparkSession, tmp_path: Path, mapping: SourceMapping
) -> None:
    rows = [
        ",".join(
            row[name] if name != "price" or "," not in row[name] else f'"{row[name]}"' for name in FIELDS
        )
        for row in islice(hostile_rows(), 3_000)
    ]
    path = tmp_path / "hostile.csv"
    chunk = chunk_of(
        path, FIELDS, "\n".join([*rows, "too,few", "\x00", 'stray"quote']).encode() + b"\n\xff\xfe\n"
    )

    taken, cleaned, left = both_ways(spark, path, chunk, mapping)

    assert {line_no: cleaned.get(line_no) for line_no in taken} == taken
    assert 500 < len(taken) < len(cleaned), json.dumps([len(taken), len(cleaned)])
    lines = [line for batch in left for line in batch["line_no"].to_pylist()]
    assert sorted([*lines, *taken]) == list(range(2, 2 + 3_004)), "each record goes one of the two ways"


def test_rows_with_columns_of_others_are_left_to_the_cleaning(spark: SparkSession, tmp_path: Path) -> None:
    columns = (*FIELDS, "colour")
    good = ",".join(GOOD[name] for name in FIELDS)
    path = tmp_path / "more.csv"
    chunk = chunk_of(path, columns, f"{good},red\n{good},\n{good}\n{good},blue\n".encode())

    taken, cleaned, left = both_ways(spark, path, chunk, SourceMapping())

    assert list(taken) == [3]
    assert sorted(cleaned) == [2, 3, 5]
    assert cleaned[3] == taken[3]
    assert [batch["line_no"].to_pylist() for batch in left] == [[2, 4, 5]]


def test_plain_events_lie_in_the_order_of_their_ids_and_the_same_id_in_that_of_its_lines(
    spark: SparkSession, tmp_path: Path
) -> None:
    ids = [f"{random.Random(n).getrandbits(128):032x}" for n in range(500)]
    ids = [f"{i[:8]}-{i[8:12]}-{i[12:16]}-{i[16:20]}-{i[20:]}" for i in ids]
    same = "aaaaaaaa-0000-4000-8000-000000000000"
    ids[100], ids[300], ids[400] = same.upper(), same, same.upper()
    path = tmp_path / "ids.csv"
    rows = [",".join((GOOD | {"event_id": event_id})[name] for name in FIELDS) for event_id in ids]

    taken, _, _ = both_ways(
        spark, path, chunk_of(path, FIELDS, "\n".join([*rows, ""]).encode()), SourceMapping()
    )

    found = [line.split(",")[2] for line in taken.values()]
    assert [event_id.lower()[:8] for event_id in found] == sorted(event_id.lower()[:8] for event_id in ids)
    assert [line_no for line_no, line in taken.items() if line.split(",")[2].lower() == same] == [
        102,
        302,
        402,
    ]


def test_times_in_the_mappings_own_format_are_left_to_the_cleaning() -> None:
    assert PlainEvents.of(SourceMapping(time_format="dd.MM.yyyy HH:mm:ss")) is None
