"""The content of one event file as blocks of bytes: plain or gzip, byte-order mark removed.

Belongs here: opening, decompressing, and telling whether a file is still the one that intake saw. Does not
belong here: lines and fields (`records`, `header`).
"""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

BLOCK_BYTES = 4 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
OTHER_MAGIC = {
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"PAR1": "Parquet",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
UTF8_BOM = b"\xef\xbb\xbf"


class ContentError(Exception):
    """The file cannot be read as text. `reason` is a short stable code, `detail` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ContentChanged(Exception):
    """The file is not, or no longer, the state that was asked for."""


@dataclass(frozen=True)
class FileState:
    """Which state of a path: any change to the file changes one of these. Times in nanoseconds since 1970."""

    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> FileState:
        # 64 bits without a sign, where the ledger's bigint has one.
        inode = status.st_ino - (1 << 64) if status.st_ino >= 1 << 63 else status.st_ino
        return cls(inode, status.st_size, status.st_mtime_ns, status.st_ctime_ns)

    def same_content(self, other: FileState) -> bool:
        """Whether nothing was written in between: renaming or chmod alone move only the change time."""
        return (self.inode, self.size_bytes, self.modified_ns) == (
            other.inode,
            other.size_bytes,
            other.modified_ns,
        )


class Content:
    """An open file. Use as a context manager; `state` is what it was when it was opened."""

    def __init__(self, path: bytes) -> None:
        # O_NONBLOCK: a name that became a pipe since it was listed must not block the stream.
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ContentChanged("the file is gone") from None
        except OSError as error:
            raise ContentError("unreadable", f"It cannot be opened: {error.strerror}.") from None
        self._raw = cast(BinaryIO, os.fdopen(descriptor, "rb", buffering=0))
        status = os.fstat(descriptor)
        self.state = FileState.of(status)
        if not stat.S_ISREG(status.st_mode):
            self._raw.close()
            raise ContentError("not_a_file", "It is no regular file.")

    def __enter__(self) -> Content:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def changed(self) -> bool:
        """Whether the file was written to since it was opened."""
        return not self.state.same_content(FileState.of(os.fstat(self._raw.fileno())))

    def disk_blocks(self) -> Iterator[bytes]:
        """The bytes on disk, from the start.

        Raises:
            ContentError: the device does not give them.
        """
        self._raw.seek(0)
        yield from _read(self._raw)

    def compression(self, name: bytes) -> str | None:
        """`gzip` or `None`, by the first bytes.

        Raises:
            ContentError: it is compressed in a way that is not read here, or named .gz without being gzip.
        """
        self._raw.seek(0)
        start = self._raw.read(8)
        if start.startswith(GZIP_MAGIC):
            return "gzip"
        for magic, kind in OTHER_MAGIC.items():
            if start.startswith(magic):
                raise ContentError(
                    "unsupported_format", f"It is {kind}: only UTF-8 text and gzip of it are read."
                )
        if name.lower().endswith(b".gz") and start:
            raise ContentError("not_gzip", "It is named .gz but is no gzip file.")
        return None

    def text_blocks(
        self, compression: str | None, offset: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """The decompressed content from `offset` on, at most `length` bytes (default: to the end).

        Raises:
            ContentError: the compressed data is damaged or cut short.
        """
        if compression is None:
            self._raw.seek(offset)
            yield from _read(self._raw, length)
            return
        self._raw.seek(0)
        with gzip.GzipFile(fileobj=self._raw, mode="rb") as plain:
            try:
                plain.seek(offset)
                yield from _read(cast(BinaryIO, plain), length)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                raise ContentError("damaged_gzip", f"The gzip data is damaged: {error}.") from None


def _read(stream: BinaryIO, length: int | None = None) -> Iterator[bytes]:
    left = length
    while left is None or left > 0:
        try:
            block = stream.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left))
        except OSError as error:
            if isinstance(error, gzip.BadGzipFile):
                raise
            raise ContentError("unreadable", f"It cannot be read: {error.strerror}.") from None
        if not block:
            return
        if left is not None:
            left -= len(block)
        yield block
