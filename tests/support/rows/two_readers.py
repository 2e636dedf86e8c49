"""One file, read by the stream's code and by the audit's own reader: both as the audit's outcomes, to be compared."""

from __future__ import annotations

import gzip
import json
import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from clickstream_assets.contract import IdenticalRows
from clickstream_assets.second_reader.layout import FileLayout
from clickstream_assets.second_reader.mapping import parse_audit_mapping
from clickstream_assets.second_reader.of_json.objects import keys_of
from clickstream_assets.second_reader.outcomes import Event, Reject
from clickstream_assets.second_reader.reader import layout_of, read_bytes, start_of, text_of
from clickstream_assets.second_reader.rows import Bounds
from spark.cleaning.cleaned import Cleaned
from spark.cleaning.time_bounds import TimeBounds
from spark.handover.row_blocks import uuid_texts
from spark.inspection.inspecting import inspect_file
from spark.inspection.inspection import Inspection
from spark.mapping.mapping_file import read_mapping
from spark.mapping.source_mapping import SourceMapping
from spark.reading.header import Layout
from spark.source.chunk_reader import read_chunk
from spark.source.chunks import ChunkToRead
from spark.source.occurrences import OccurrenceCounts

FILE_ID = 7
Outcomes = list[Event | Reject]


@dataclass(frozen=True)
class Cut:
    """How the stream's code gets at a file: whole, or in small chunks and blocks; plain or compressed."""

    chunk_bytes: int = 1 << 24
    block_bytes: int = 1 << 22
    is_zipped: bool = False
    is_zstd: bool = False

    def packed(self, name: str, content: bytes) -> tuple[str, bytes]:
        """The name and the bytes of a file with this content."""
        if self.is_zstd:
            half = len(content) // 2  # two frames
            return f"{name}.zst", b"".join(map(zstd, (content[:half], content[half:])))
        return (f"{name}.gz", gzip.compress(content, 1)) if self.is_zipped else (name, content)


def zstd(content: bytes) -> bytes:
    return pa.Codec("zstd").compress(content, asbytes=True)  # type: ignore[no-any-return]


WHOLE = Cut()


def agreed(
    directory: Path,
    content: bytes,
    toml: str,
    bounds: TimeBounds,
    *,
    identical_rows: IdenticalRows = "merge",
    cut: Cut = WHOLE,
    relative: str = "events.csv",
) -> Outcomes:
    """What both readers make of a file by a mapping; it fails where they do not agree."""
    described = directory / "mapping.toml"
    described.write_text(toml)
    name, packed = cut.packed(relative, content)
    path = directory / "read" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(packed)
    inspection, ours = by_stream(
        path,
        read_mapping(described),
        bounds,
        identical_rows=identical_rows,
        chunk_bytes=cut.chunk_bytes,
        block_bytes=cut.block_bytes,
        relative=relative,
    )
    assert inspection.layout is not None, inspection
    layout, theirs = by_audit(content, toml, inspection.layout, bounds, identical_rows, relative)
    assert (inspection.layout.columns, inspection.layout.delimiter) == (layout.columns, layout.delimiter)
    for our, their in zip(ours, theirs, strict=False):
        assert our == their
    assert len(ours) == len(theirs)
    return ours


def by_stream(
    path: Path,
    mapping: SourceMapping,
    bounds: TimeBounds,
    *,
    identical_rows: IdenticalRows = "merge",
    chunk_bytes: int = 1 << 24,
    block_bytes: int = 1 << 22,
    relative: str = "events.csv",
) -> tuple[Inspection, Outcomes]:
    """What intake says of a file, and what the tasks would make of its chunks, in the order of the lines."""
    found: Outcomes = []
    name = os.fsencode(path)
    with patch("spark.content.blocks.BLOCK_BYTES", block_bytes):
        inspection = inspect_file(name, mapping, chunk_bytes, name=relative)
        if inspection.layout is None:
            return inspection, found
        counts = OccurrenceCounts()
        for chunk in inspection.chunks:
            to_read = ChunkToRead(
                seq=1,
                file_id=FILE_ID,
                path=os.fsencode(relative),
                state=inspection.state,
                compression=inspection.compression,
                layout=inspection.layout,
                mapping=mapping.to_json(),
                bounds=bounds,
                byte_offset=chunk.byte_offset,
                byte_length=chunk.byte_length,
                first_line=chunk.first_line,
                records_from=inspection.header_bytes,
                content_hash=chunk.content_hash,
            )
            of_chunk: Outcomes = []
            numbers = counts.numbers if identical_rows == "keep" else None
            for cleaned in read_chunk(name, to_read, numbers):
                assert isinstance(cleaned, Cleaned), cleaned
                of_chunk += outcomes(cleaned)
            assert len(of_chunk) == chunk.records
            found += of_chunk
    return inspection, found


def by_audit(
    content: bytes,
    toml: str,
    layout: Layout,
    bounds: TimeBounds,
    identical_rows: IdenticalRows = "merge",
    relative: str = "events.csv",
) -> tuple[FileLayout, Outcomes]:
    """What the audit's reader makes of the same bytes; of intake it knows the dialect alone."""
    mapping = parse_audit_mapping(tomllib.loads(toml))
    text = text_of(content, mapping)
    if layout.has_objects:  # to the keys come the columns that are needed, and no object has
        own = FileLayout(layout.columns, layout.delimiter, encoding=layout.encoding, format=layout.format)
        text = text_of(content, mapping, own)
        assert set(keys_of(text.removeprefix(b"\xef\xbb\xbf").split(b"\n"))) <= set(layout.columns)
    else:
        own = layout_of(text, start_of(text, mapping), mapping, layout.escape)
    limits = Bounds(bounds.oldest, bounds.latest)
    found = read_bytes(
        content, mapping, layout=own, identical_rows=identical_rows, bounds=limits, path=relative
    )
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
