"""The work of one task: read and clean its chunks, and hand the rows over as the sink wants them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Protocol, TypeVar

import pyarrow as pa

from spark.cleaning.cleaned import Cleaned, Occurrences
from spark.handover.part_writer import SpoolPartWriter
from spark.handover.parts import Part
from spark.handover.row_blocks import blocks, report
from spark.handover.spool import Spool, batch_token
from spark.handover.upload import UploadPartWriter
from spark.outage import told_as_outage
from spark.reading.flags import Flag
from spark.reading.parquet_rows import Rows
from spark.reading.records import Records
from spark.source.chunk_reader import read_chunk, records_or_flag
from spark.source.chunks import ChunkToRead, TaskRead
from spark.source.occurrences import OccurrencesOfFiles
from spark.source.options import SourceOptions
from spark.source.patience import or_set_aside, patiently
from spark.source.tiny_files import groups, read_together

Found = TypeVar("Found")


class PartWriter(Protocol):
    """Takes the rows of a part."""

    part: Part

    def add(self, cleaned: Cleaned) -> None: ...

    def finish(self) -> Part: ...


def read_task(task: TaskRead, options: SourceOptions) -> Iterator[pa.RecordBatch]:
    """Rows of `options.schema`: one that describes the part, or all of its rows.

    Raises:
        Outage: the database or the directory is away.
    """
    with told_as_outage():
        yield from _read_task(task, options)


def _read_task(task: TaskRead, options: SourceOptions) -> Iterator[pa.RecordBatch]:
    found = read_chunks(task, options)
    if options.handover == "blocks":
        yield from _in_blocks(found, Part(task.index, uuid.uuid4().hex, None))
        return
    writer = _part_writer(task, options)
    for file_id, cleaned in found:
        if isinstance(cleaned, Flag):
            writer.part.void(file_id, cleaned)
        else:
            writer.add(cleaned)
    yield pa.RecordBatch.from_pydict({"part": [writer.finish().to_json()]})


def _in_blocks(found: Iterator[tuple[int, Cleaned | Flag]], part: Part) -> Iterator[pa.RecordBatch]:
    for file_id, cleaned in found:
        if isinstance(cleaned, Flag):
            part.void(file_id, cleaned)
        else:
            part.count(cleaned)
            yield from blocks(part.token, file_id, cleaned)
    yield report(part)


def read_chunks(task: TaskRead, options: SourceOptions) -> Iterator[tuple[int, Cleaned | Flag]]:
    """What became of the records of all chunks, with the file that they are from, or the first of several."""
    if options.identical_rows != "keep":
        yield from _read_chunks(task, options)
        return
    occurrences = OccurrencesOfFiles(options.spool / "occurrences" if options.spool else None)
    for chunk in task.chunks:
        if not occurrences.goes_on(chunk.file_id, chunk.byte_offset):
            occurrences.begin(chunk.file_id)
            if chunk.byte_offset > chunk.records_from and not occurrences.recall(chunk.byte_offset):
                yield from _count_before(chunk, options, occurrences.numbers)
        for cleaned in _read(chunk, options, occurrences.numbers):
            yield chunk.file_id, cleaned
        occurrences.end(chunk.byte_offset + chunk.byte_length, is_last=chunk.is_last)
    occurrences.keep()


def _read_chunks(task: TaskRead, options: SourceOptions) -> Iterator[tuple[int, Cleaned | Flag]]:
    def read(chunk: ChunkToRead) -> Iterator[Records | Rows | Flag]:
        records = records_or_flag(chunk.place(options.root), chunk, options.device)
        return _given_up(records, chunk, options)

    # The JDBC writer's blocks are of one file each.
    apart = ([chunk] for chunk in task.chunks)
    for group in apart if options.handover == "blocks" else groups(task.chunks):
        if len(group) > 1:
            yield from read_together(group, read)
        else:
            for cleaned in _read(group[0], options):
                yield group[0].file_id, cleaned


def _read(
    chunk: ChunkToRead, options: SourceOptions, occurrences: Occurrences | None = None
) -> Iterator[Cleaned | Flag]:
    rows = read_chunk(chunk.place(options.root), chunk, occurrences, options.device)
    return _given_up(rows, chunk, options)


def _given_up(
    rows: Iterator[Found | Flag], chunk: ChunkToRead, options: SourceOptions
) -> Iterator[Found | Flag]:
    """What is read of a chunk, until nobody shall wait for it any longer."""
    if chunk.directory is not None:
        return patiently(rows)
    return or_set_aside(rows, chunk.place(options.root), options.root) if options.sets_aside else rows


def _count_before(
    chunk: ChunkToRead, options: SourceOptions, numbers: Occurrences
) -> Iterator[tuple[int, Flag]]:
    """Count the rows of the file that come before `chunk`. A flag comes out where the file is another one."""
    before = replace(
        chunk,
        byte_offset=chunk.records_from,
        byte_length=chunk.byte_offset - chunk.records_from,
        content_hash=None,
    )
    for cleaned in _read(before, options, numbers):
        if isinstance(cleaned, Flag):
            yield chunk.file_id, cleaned


def _part_writer(task: TaskRead, options: SourceOptions) -> PartWriter:
    part = Part(task.index, uuid.uuid4().hex, task.batch_id)
    if options.handover == "spool":
        root: Path | None = options.spool
        assert root is not None  # noqa: S101 - the driver chose the spool because there is one
        spool = Spool.of_batch(root, options.epoch, task.after, task.upto)
        spool.wait_for_turn(task.index)
        return SpoolPartWriter(spool, part, task.batch_id)
    token = batch_token(options.epoch, task.after, task.upto)
    return UploadPartWriter(options.epoch, token, part, task.batch_id)
