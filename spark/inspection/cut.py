"""The pass over the records of a text file that cuts it into chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from spark.content.chunk_hash import ChunkHash
from spark.inspection.inspection import Chunk
from spark.reading.header import Layout
from spark.reading.objects import Keys
from spark.reading.preamble import Preamble
from spark.reading.records import count_blocks, dialect_of

SHORTEST = 4  # a last chunk shorter than this part of the others belongs to the one before it


class Cut:
    """One pass over the records of a file: the chunks after the preamble, and what else shows.

    `blocks` begin behind the preamble. `disk_bytes`: the size of a file that can only be read from its start, and is
    one chunk; None for one that is read from anywhere. `keys`, of objects, is shown all lines.
    """

    def __init__(
        self,
        blocks: Iterator[bytes],
        preamble: Preamble,
        layout: Layout,
        chunk_bytes: int,
        size_bytes: int,
        disk_bytes: int | None,
        keys: Keys | None = None,
    ) -> None:
        self._keys = keys
        self.chunks: list[Chunk] = []
        self.has_backslash_quote = False
        self.last_byte = preamble.content[-1:]
        self._all = hashlib.sha256(preamble.content)
        self._chunk: ChunkHash | None = None  # of the second chunk, and those after it
        start = end = len(preamble)
        first_line, count = preamble.next_line, 0
        counts = count_blocks(
            blocks,
            offset=start,
            line=first_line,
            dialect=dialect_of(layout),
            seen=self._see,
        )
        for found in counts:
            count, end = count + found.records, found.end_offset
            is_long = end - start >= chunk_bytes and size_bytes - end >= chunk_bytes // SHORTEST
            if disk_bytes is None and count and is_long:
                self._add(start, end, first_line, count, end - start)
                self._chunk = ChunkHash(preamble.content)
                start, first_line, count = end, found.end_line, 0
        if count:
            self._add(start, end, first_line, count, disk_bytes or end - start)

    @property
    def text_hash(self) -> bytes:
        return self._all.digest()

    def _see(self, data: bytes, used: int) -> None:
        new = memoryview(data)[:used]
        self._all.update(new)
        if self._chunk is not None:
            self._chunk.update(new)
        if self._keys is not None:
            self._keys.see(new)
        elif not self.has_backslash_quote and b"\\" in data:
            self.has_backslash_quote = b'\\"' in data
        self.last_byte = data[used - 1 : used]

    def _add(self, start: int, end: int, first_line: int, records: int, disk_bytes: int) -> None:
        # Up to the end of the first chunk, what is seen is what a `ChunkHash` takes in.
        content_hash = self.text_hash if self._chunk is None else self._chunk.value()
        self.chunks.append(Chunk(start, end - start, first_line, records, disk_bytes, content_hash))
