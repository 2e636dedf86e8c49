"""Chunks of tiny files, cleaned together: what it takes to clean some rows hardly depends on how many they are.

Only chunks that follow on one another and are read alike are put together: those of one layout and mapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from spark.cleaning.cleaned import Cleaned
from spark.reading.flags import Flag
from spark.reading.parquet_rows import Rows
from spark.reading.records import Records, joined
from spark.source.chunk_reader import cleaning_of, shape_of
from spark.source.chunks import ChunkToRead

TINY_BYTES = 64 * 1024  # of a chunk
TOGETHER_BYTES = 4 * 1024 * 1024  # of all that are cleaned at once

Read = Callable[[ChunkToRead], Iterator[Records | Rows | Flag]]


def groups(chunks: Sequence[ChunkToRead]) -> Iterator[list[ChunkToRead]]:
    """The chunks in their order, those together that may be cleaned at once."""
    group: list[ChunkToRead] = []
    size = 0
    for chunk in chunks:
        if group and not (_alike(group[0], chunk) and size + chunk.byte_length <= TOGETHER_BYTES):
            yield group
            group, size = [], 0
        group.append(chunk)
        size += chunk.byte_length
    if group:
        yield group


def _alike(one: ChunkToRead, other: ChunkToRead) -> bool:
    if max(one.byte_length, other.byte_length) > TINY_BYTES or one.bounds != other.bounds:
        return False
    if one.layout.format == "parquet":  # it has no records of bytes that could be joined
        return False
    # Of paths that say something, each file has a shape of its own.
    return one.mapping == other.mapping and shape_of(one) is shape_of(other)


def read_together(chunks: Sequence[ChunkToRead], read: Read) -> Iterator[tuple[int, Cleaned | Flag]]:
    """The rows of all of them, at once; of a file that is not what intake saw, a flag and no rows.

    Rows stand in the order of their files, and come with the first of these.
    """
    taken: list[Records] = []
    file_ids: list[int] = []
    for chunk in chunks:
        found = list(read(chunk))
        if found and isinstance(found[-1], Flag):
            yield chunk.file_id, found[-1]
            continue
        records = [part for part in found if isinstance(part, Records)]
        if records and not records[-1].values[-1].as_py().endswith(b"\n"):
            # Without its line end it would run into the next file's first record.
            yield from _cleaned(taken, file_ids, chunks[0])
            taken, file_ids = [], []
            yield from _cleaned(records, [chunk.file_id] * len(records), chunk)
            continue
        taken += records
        file_ids += [chunk.file_id] * len(records)
    yield from _cleaned(taken, file_ids, chunks[0])


def _cleaned(
    parts: Sequence[Records], file_ids: Sequence[int], like: ChunkToRead
) -> Iterator[tuple[int, Cleaned | Flag]]:
    if parts:
        of_each = np.repeat(np.array(file_ids, np.int64), [len(part) for part in parts])
        cleaning = cleaning_of(like.mapping)
        yield file_ids[0], cleaning.clean(joined(parts), shape_of(like), of_each, like.bounds)
