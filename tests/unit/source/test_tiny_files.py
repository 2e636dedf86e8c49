"""Tiny files are cleaned together. Guards against a row that becomes another one by the company that it keeps."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from spark.cleaning.cleaned import Cleaned
from spark.cleaning.time_bounds import TimeBounds
from spark.inspection.inspecting import inspect_file
from spark.mapping.source_mapping import UNMAPPED
from spark.reading.flags import Flag
from spark.reading.records import Records
from spark.source import tiny_files
from spark.source.chunk_reader import read_chunk, records_or_flag
from spark.source.chunks import ChunkToRead, TaskRead
from spark.source.options import SourceOptions
from spark.source.task import read_chunks
from spark.source.tiny_files import groups, read_together

HEADER = b"event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent\n"
ROWS = [
    b"00000000-0000-4000-8000-%012d,u,s,view,p,2026-01-01T00:00:00Z,1.50,Mozilla\n",
    b",u,s,view,p,2026-01-01T00:00:%02dZ,1.50,\n",
    b"not a uuid %d,u,s,purchase,p,2026-01-01 00:00:00,2,Mozilla\r\n",
    b'"%d","u ""q""",s,view,p,2026-01-01T00:00:00Z,1.50,"a,b"\n',
    b'%d,"u\nv",s,view,p,2026-01-01T00:00:00Z,1.50,x\n',
    b'%d,"never closed,s,view,p,2026-01-01T00:00:00Z,1.50,x\n',
    b"%d,too,few\n",
    b"%d,u,s,view,p,no time,1.50,x\n",
    b"%d,u,s,view,p,2026-01-01T00:00:00Z,no price,x\n",
    b"%d,u\0,s,view,p,2026-01-01T00:00:00Z,1.50,x\n",
    b"%d,\xff,s,view,p,2026-01-01T00:00:00Z,1.50,x\n",
    b"\n",
]
BOUNDS = TimeBounds.at(datetime.now(UTC))


def chunks_of(directory: Path, contents: list[bytes]) -> list[ChunkToRead]:
    chunks = []
    for number, content in enumerate(contents, 1):
        path = directory / f"{number}.csv"
        path.write_bytes(content)
        found = inspect_file(bytes(path), UNMAPPED)
        assert found.layout is not None
        chunks += [
            ChunkToRead(
                number, number, path.name.encode(), found.state, None, found.layout, UNMAPPED.to_json(), BOUNDS,
                chunk.byte_offset, chunk.byte_length, chunk.first_line, found.header_bytes, chunk.content_hash,
            )
            for chunk in found.chunks
        ]  # fmt: skip
    return chunks


def told(found: Iterator[tuple[int, Cleaned | Flag]]) -> tuple[list[object], list[object], dict[int, Flag]]:
    """Events, rejects and flags, by file."""
    events: list[object] = []
    rejects: list[object] = []
    flags: dict[int, Flag] = {}
    for file_id, cleaned in found:
        if isinstance(cleaned, Flag):
            flags[file_id] = cleaned
        else:
            events += _rows(cleaned.events)
            rejects += _rows(cleaned.rejects)
    return (
        [row for row in events if row["file_id"] not in flags],  # type: ignore[index]
        [row for row in rejects if row["file_id"] not in flags],  # type: ignore[index]
        flags,
    )


def _rows(batch: pa.RecordBatch) -> list[object]:
    return list(batch.to_pylist())


def one_by_one(directory: Path, chunks: list[ChunkToRead]) -> Iterator[tuple[int, Cleaned | Flag]]:
    for chunk in chunks:
        for cleaned in read_chunk(chunk.place(bytes(directory)), chunk):
            yield chunk.file_id, cleaned


def together(directory: Path, chunks: list[ChunkToRead]) -> Iterator[tuple[int, Cleaned | Flag]]:
    def read(chunk: ChunkToRead) -> Iterator[Records | Flag]:
        return records_or_flag(chunk.place(bytes(directory)), chunk)

    for group in groups(chunks):
        yield from read_together(group, read)


@pytest.mark.parametrize("seed", range(20))
def test_rows_become_the_same_together_as_one_file_at_a_time(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    contents = []
    for number in range(30):
        rows = [
            row % (number % 60) if b"%" in row else row
            for row in chance.choices(ROWS, k=chance.randrange(1, 6))
        ]
        content = HEADER + b"".join(rows)
        contents.append(content.rstrip(b"\n") if chance.random() < 0.2 else content)
    chunks = chunks_of(tmp_path, contents)
    for chunk in chance.sample(chunks, 2):
        (tmp_path / chunk.path.decode()).write_bytes(HEADER + b"another content altogether\n")
    (tmp_path / chance.choice(chunks).path.decode()).unlink()
    assert told(together(tmp_path, chunks)) == told(one_by_one(tmp_path, chunks))


def test_only_chunks_that_are_tiny_and_read_alike_are_put_together(tmp_path: Path) -> None:
    other = HEADER.replace(b"price", b"amount")
    row = ROWS[0] % 1
    first, second, third, fourth = chunks_of(
        tmp_path, [HEADER + row, HEADER + row, other + row, HEADER + row]
    )
    large = replace(fourth, byte_length=tiny_files.TINY_BYTES + 1)
    later = replace(fourth, bounds=TimeBounds(BOUNDS.oldest, BOUNDS.latest + 1))
    assert list(groups([first, second, third, fourth])) == [[first, second], [third], [fourth]]
    assert list(groups([first, large, second])) == [[first], [large], [second]]
    assert list(groups([first, later])) == [[first], [later]]
    assert list(groups([])) == []


def test_a_block_for_jdbc_is_of_one_file(tmp_path: Path) -> None:
    chunks = chunks_of(tmp_path, [HEADER + ROWS[0] % number for number in range(3)])
    options = SourceOptions(bytes(tmp_path), UNMAPPED.to_json(), "blocks", "merge", 1, None)
    found = list(read_chunks(TaskRead(0, tuple(chunks), 1, 0, 3), options))
    assert [(file_id, cleaned.events["file_id"].to_pylist()) for file_id, cleaned in found] == [  # type: ignore[union-attr]
        (1, [1]),
        (2, [2]),
        (3, [3]),
    ]


def test_what_is_put_together_stays_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chunks = chunks_of(tmp_path, [HEADER + ROWS[0] % number for number in range(10)])
    monkeypatch.setattr(tiny_files, "TOGETHER_BYTES", 3 * chunks[0].byte_length)
    assert [len(group) for group in groups(chunks)] == [3, 3, 3, 1]


def test_a_tiny_file_costs_less_than_a_fifth_of_a_file_alone(tmp_path: Path) -> None:
    chunks = chunks_of(tmp_path, [HEADER + ROWS[0] % number for number in range(300)])
    list(one_by_one(tmp_path, chunks[:1]))

    def cpu(found: Iterator[tuple[int, Cleaned | Flag]]) -> float:
        began = time.process_time()
        list(found)
        return time.process_time() - began

    assert cpu(together(tmp_path, chunks)) < cpu(one_by_one(tmp_path, chunks)) / 5
