"""What intake knows of one file that it has read: its header, its chunks, or why it cannot be read as events."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream_assets.file_names import FileState
from spark.reading.header import Layout


@dataclass(frozen=True)
class Chunk:
    """A record-aligned piece of the (decompressed) content."""

    byte_offset: int
    byte_length: int
    first_line: int
    records: int
    disk_bytes: int
    content_hash: bytes  # `ChunkHash`


@dataclass(frozen=True)
class Inspection:
    """What intake knows of a file. `reason` is set where it cannot be read as events."""

    state: FileState
    content_hash: bytes | None = None
    compression: str | None = None
    layout: Layout | None = None
    header_bytes: int = 0  # all before the first record
    chunks: tuple[Chunk, ...] = ()
    reason: str | None = None
    detail: str | None = None
    is_unterminated: bool = False  # its last line has no end: perhaps that is still to come
    is_held: bool = False  # with a reason: it could be read, but its source's rules hold it back

    @property
    def records(self) -> int:
        return sum(chunk.records for chunk in self.chunks)
