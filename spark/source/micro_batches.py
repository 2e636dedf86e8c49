"""Which chunks form the next micro-batch, and how they spread over tasks. Decisions only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spark.source.chunks import ChunkToRead

BATCH_ROWS = 1_000_000  # of one micro-batch, at most …
# Spark's JDBC writer says when all rows are there: one micro-batch is merged while the next one is written.
JDBC_BATCH_ROWS = 250_000
BATCH_BYTES = 256 * 1024 * 1024
BATCH_CHUNKS = 2_000
TASK_BYTES = 8 * 1024 * 1024  # fewer bytes than this are one task …
CHUNK_COST_BYTES = 128 * 1024  # … where beginning a chunk takes as long as reading so many


@dataclass(frozen=True)
class Waiting:
    """A chunk as the choice of the next micro-batch sees it."""

    seq: int
    records: int
    byte_length: int


def batch_end(waiting: Sequence[Waiting], most_rows: int = BATCH_ROWS) -> int | None:
    """The last seq of the next micro-batch out of the chunks waiting, in order; `None` if none waits."""
    rows = size = 0
    end: int | None = None
    for chunk in waiting[:BATCH_CHUNKS]:
        rows += chunk.records
        size += chunk.byte_length
        if end is not None and (rows > most_rows or size > BATCH_BYTES):
            break
        end = chunk.seq
    return end


def ranges_to_look_at(handed_out: int, rerun: tuple[int, int] | None) -> list[tuple[int, int | None]]:
    """Where chunks of the next micro-batch may be, as (after, upto), in order; `None`: without an end.

    Args:
        handed_out: the last seq that this process has handed out.
        rerun: (after, upto) of a micro-batch that Spark began with, out of its log.
    """
    if rerun is None:
        return [(handed_out, None)]
    after, upto = rerun
    before: list[tuple[int, int | None]] = [(handed_out, after)] if handed_out < after else []
    return [*before, (max(handed_out, upto), None)]


def group_by_task(
    chunks: Sequence[ChunkToRead], task_bytes: int = TASK_BYTES, *, whole_files: bool = False
) -> list[tuple[ChunkToRead, ...]]:
    """Split `chunks` into runs of about `task_bytes`, in order; thousands of tiny ones are several tasks, too.

    `whole_files`: the chunks of a file stay together.
    """
    groups: list[list[ChunkToRead]] = []
    size = 0
    for chunk in chunks:
        cost = chunk.byte_length + CHUNK_COST_BYTES
        stays = whole_files and bool(groups) and groups[-1][-1].file_id == chunk.file_id
        if not groups or (size + cost > task_bytes and not stays):
            groups.append([])
            size = 0
        groups[-1].append(chunk)
        size += cost
    return [tuple(group) for group in groups]
