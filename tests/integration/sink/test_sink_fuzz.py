"""The sink over hostile files: whatever parts, files, micro-batches and streams they come in, the first row of each
identity is stored, the others are counted, and PostgreSQL never meets a value that it does not want."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from unittest.mock import patch

import pytest
from databases import Database
from hostile_rows import FAULTS, GOOD, Dialect, quoted, values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sink_runs import SinkRuns
from stored_rows import Expected, stored_counts, stored_events, stored_rejects
from two_readers import Outcomes, by_audit

from clickstream_assets.contract import IdenticalRows
from spark.cleaning.time_bounds import TimeBounds
from spark.inspection.inspecting import inspect_file
from spark.reading.header import Layout

HEADER = (*GOOD, "shop", 'odd "name"\\')
GOOD_ROW = GOOD | {"shop": "north", HEADER[-1]: ""}
IDS = ("", "", "42", "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "0A1B2C3D-4e5f-4a6b-8c7d-9e0f1a2b3c4d", "\u00e4")
# What makes another content of a row, and what does not: PostgreSQL compares numbers and JSON.
CHANGES = (
    {},
    {},
    {"price": "9.990"},
    {"price": "10"},
    {"user_agent": ""},
    {"shop": "south"},
    {"user_id": "u2"},
)


@dataclass(frozen=True)
class Load:
    """Files that a stream finds, and the sizes of its micro-batches, in chunks."""

    files: list[bytes]
    chunk_bytes: int
    batch_sizes: list[int]


@st.composite
def row_texts(draw: st.DrawFn) -> dict[str, str]:
    near = values(Dialect("", None, ".", "")) | {
        "shop": st.sampled_from(["", '"', "\\", "\x1f", "a\nb", "\u2028"])
    }
    changed = draw(st.sampled_from([None, None, *near]))
    row = GOOD_ROW | {"event_id": draw(st.sampled_from(IDS))} | draw(st.sampled_from(CHANGES))
    if changed is not None:
        row[changed] = draw(near[changed])
    return row


@st.composite
def loads(draw: st.DrawFn) -> list[Load]:
    pool = draw(st.lists(row_texts(), min_size=1, max_size=8))
    found, number = [], 0
    for _ in range(draw(st.integers(1, 2))):
        files = []
        for _ in range(draw(st.integers(1, 3))):
            number += 1
            rows = draw(st.lists(st.sampled_from(pool), max_size=12))
            rows = [row | draw(st.sampled_from(CHANGES)) for row in rows]
            rows.append(GOOD_ROW | {"user_id": f"file {number}"})  # no two files have the same content
            lines = [",".join(quoted(row[name], "minimal", ",") for name in HEADER) + "\n" for row in rows]
            body = "".join(lines).encode()
            if draw(st.integers(0, 3)) == 0:
                at = draw(st.integers(0, len(body)))
                body = body[:at] + draw(st.sampled_from(FAULTS)) + body[at:]
            files.append(body)
        found.append(Load(files, draw(st.integers(50, 2_000)), draw(st.lists(st.integers(1, 4), max_size=4))))
    return found


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(loads=loads(), identical_rows=st.sampled_from(["merge", "keep"]), sheet_rows=st.integers(1, 8))
def test_the_first_row_of_each_identity_is_stored_and_all_others_are_counted(
    fresh_database: Callable[[], AbstractContextManager[Database]],
    caplog: pytest.LogCaptureFixture,
    loads: list[Load],
    identical_rows: IdenticalRows,
    sheet_rows: int,
) -> None:
    caplog.set_level(logging.INFO, "clickstream.sink")
    caplog.clear()
    kept = [
        stored(fresh_database, loads, identical_rows, sheet_rows, handover)
        for handover in ("spool", "upload", "blocks")
    ]
    assert kept[0] == kept[1] == kept[2]
    # Nothing but a value that PostgreSQL does not want, or a duplicate taken for new, sends rows the long way.
    assert [record.getMessage() for record in caplog.records] == []


def stored(
    fresh_database: Callable[[], AbstractContextManager[Database]],
    loads: Sequence[Load],
    identical_rows: IdenticalRows,
    sheet_rows: int,
    handover: Literal["spool", "upload", "blocks"],
) -> tuple[object, ...]:
    """Load all files into a new database and compare what is there with what the audit's reader says should be."""
    with (
        fresh_database() as database,
        tempfile.TemporaryDirectory() as directory,
        patch("spark.content.blocks.BLOCK_BYTES", 300),
        patch("spark.handover.part_writer.SHEET_ROWS", sheet_rows),
        patch("spark.handover.row_blocks.BLOCK_ROWS", sheet_rows),
        patch("spark.handover.row_blocks.BLOCK_REJECTS", sheet_rows),
        patch("spark.sink.plain_insert.MIN_ROWS", 2),
        patch("spark.sink.known_keys.LAYERS", (1, 4)),
    ):
        root = Path(directory) / "events"
        root.mkdir()
        sink = SinkRuns(database, root, Path(directory) / "spool", identical_rows, handover=handover)
        files: list[Outcomes] = []
        for load in loads:
            for body in load.files:
                path = sink.write(f"{len(files) + 1}.csv", body, header(HEADER))
                sink.register(path, load.chunk_bytes)
                files.append(read(path, identical_rows))
            sink.load(*batch_sizes(sink.chunks(), load.batch_sizes))
        expected = Expected(files)
        assert stored_events(sink.rows) == expected.events
        assert stored_rejects(sink.rows) == expected.rejects
        assert stored_counts(sink.rows) == expected.counts
        assert (
            sink.rows("SELECT file_id::int, line_no::int FROM event_conflicts ORDER BY 1, 2")
            == expected.conflicts
        )
        assert sum(outcome.rows_duplicate for outcome in sink.outcomes) == sum(
            row[2] for row in expected.counts
        )
        assert sink.rows(
            "SELECT count(*)::int FROM pg_tables WHERE schemaname = 'staging' AND tablename ~ '_e'"
        ) == [(0,)]
        sink.assert_conserved()
        return tuple(map(str, stored_events(sink.rows))), tuple(stored_rejects(sink.rows))


def header(names: Sequence[str]) -> str:
    return ",".join(quoted(name, "always", ",") for name in names) + "\n"


def batch_sizes(chunks: int, wanted: Sequence[int]) -> list[int]:
    """Micro-batches of the sizes wanted, and a last one with what is left."""
    sizes = []
    for size in wanted:
        if chunks - sum(sizes) > size:
            sizes.append(size)
    return [*sizes, chunks - sum(sizes)]


def read(path: Path, identical_rows: IdenticalRows) -> Outcomes:
    layout = inspect_file(str(path).encode()).layout
    assert isinstance(layout, Layout)
    return by_audit(path.read_bytes(), "", layout, TimeBounds.at(datetime.now(UTC)), identical_rows)[1]
