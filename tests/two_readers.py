"""One file, read by the stream's code and by the audit's own reader: both as the audit's outcomes, to be compared."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from clickstream_assets.contract import IdenticalRows
from clickstream_assets.second_reader.layout import FileLayout, find_start, read_layout
from clickstream_assets.second_reader.mapping import parse_audit_mapping
from clickstream_assets.second_reader.outcomes import Event, Reject
from clickstream_assets.second_reader.reader import read_bytes
from clickstream_assets.second_reader.rows import Bounds
from spark.cleaning.clean import Cleaned, Cleaning
from spark.cleaning.source_mapping import SourceMapping
from spark.cleaning.time_bounds import TimeBounds
from spark.handover.row_batches import uuid_texts
from spark.intake.inspection import Inspection, inspect_file
from spark.reading.header import Layout
from spark.source.chunk_reader import read_chunk
from spark.source.chunks import ChunkToRead
from spark.source.occurrences import OccurrenceCounts

FILE_ID = 7
Outcomes = list[Event | Reject]


def by_stream(
    path: Path,
    mapping: SourceMapping,
    bounds: TimeBounds,
    *,
    identical_rows: IdenticalRows = "merge",
    chunk_bytes: int = 1 << 24,
    block_bytes: int = 1 << 22,
) -> tuple[Inspection, Outcomes]:
    """What intake says of a file, and what the tasks would make of its chunks, in the order of the lines."""
    found: Outcomes = []
    name = os.fsencode(path)
    with patch("spark.reading.content.BLOCK_BYTES", block_bytes):
        inspection = inspect_file(name, mapping.columns, chunk_bytes, escape=mapping.escape)
        if inspection.layout is None:
            return inspection, found
        cleaning = Cleaning(mapping)
        counts = OccurrenceCounts()
        for chunk in inspection.chunks:
            to_read = ChunkToRead(
                seq=1,
                file_id=FILE_ID,
                path=name,
                state=inspection.state,
                compression=inspection.compression,
                layout=inspection.layout,
                mapped=tuple(mapping.columns.items()),
                bounds=bounds,
                byte_offset=chunk.byte_offset,
                byte_length=chunk.byte_length,
                first_line=chunk.first_line,
                records_from=inspection.header_bytes,
                content_hash=chunk.content_hash,
            )
            of_chunk: Outcomes = []
            numbers = counts.numbers if identical_rows == "keep" else None
            for cleaned in read_chunk(name, to_read, cleaning, numbers):
                assert isinstance(cleaned, Cleaned), cleaned
                of_chunk += outcomes(cleaned)
            assert len(of_chunk) == chunk.records
            found += of_chunk
    return inspection, found


def by_audit(
    content: bytes, toml: str, layout: Layout, bounds: TimeBounds, identical_rows: IdenticalRows = "merge"
) -> tuple[FileLayout, Outcomes]:
    """What the audit's reader makes of the same bytes; of intake it knows the dialect alone."""
    mapping = parse_audit_mapping(tomllib.loads(toml))
    own = read_layout(find_start(content), mapping.columns, layout.escape)
    limits = Bounds(bounds.oldest, bounds.latest)
    found = read_bytes(content, mapping, layout=own, identical_rows=identical_rows, bounds=limits)
    return own, [row._replace(event_time=None) if isinstance(row, Reject) else row for row in found]


def outcomes(cleaned: Cleaned) -> Outcomes:
    """Events and rejects as the audit has them, in the order of their lines."""
    events = dict(zip(cleaned.events.schema.names, cleaned.events.columns, strict=True))
    events["event_id"] = uuid_texts(events["event_id"])
    events["event_time"] = events["event_time"].cast(pa.int64())
    rows: Outcomes = []
    for row in pa.RecordBatch.from_pydict(events).to_pylist():
        assert row.pop("file_id") == FILE_ID
        rows.append(Event(**row | {"extra": _object(row["extra"])}))
    for row in cleaned.rejects.to_pylist():
        assert row.pop("file_id") == FILE_ID
        rows.append(Reject(**row))
    numbers = [row.line_no for row in rows]
    assert len(set(numbers)) == len(numbers), "a record is two outcomes"
    return sorted(rows, key=lambda row: row.line_no)


def _object(text: str | None) -> dict[str, str] | None:
    return None if text is None else dict(json.loads(text, object_pairs_hook=_members))


def _members(members: list[tuple[str, Any]]) -> dict[str, Any]:
    assert members
    assert len(dict(members)) == len(members), "a key is there twice"
    assert all(isinstance(value, str) and value for _, value in members)
    return dict(members)
