"""The content of one event file as blocks of bytes: plain or gzip.

It opens and decompresses, and tells whether a file is still the one that intake saw.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

from clickstream_assets.file_names import FileState, is_inside

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


class ContentError(Exception):
    """The file cannot be read as text. `reason` is a short stable code, `detail` a sentence."""

    def __init__(self, reason: str, detail: str, *, is_cut: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.is_cut = is_cut  # the end is missing: perhaps it is still to come


class ContentChanged(Exception):
    """The file is not, or no longer, the state that was asked for."""


class ChunkHash:
    """SHA-256 over the head of a file (all before its first record) and the bytes of one of its chunks.

    Both are of the decompressed content. Intake notes it, and whoever reads the chunk compares: size and modification
    time can be the same although the bytes are not. SHA-256 is the quickest of the safe ones where the processor has
    instructions for it (1.8 GB/s against 0.9 of BLAKE2b).
    """

    def __init__(self, head: bytes) -> None:
        self._digest = hashlib.sha256(head)

    def update(self, data: bytes | memoryview) -> None:
        self._digest.update(data)

    def through(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass `blocks` on, and take them in."""
        for block in blocks:
            self._digest.update(block)
            yield block

    def value(self) -> bytes:
        return self._digest.digest()


class Content:
    """An open file. Use as a context manager; `state` is what it was when it was opened.

    With `within`, a directory, the file must lie in it, whatever links lead there.
    """

    def __init__(self, path: bytes, within: bytes | None = None) -> None:
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
        if within is not None:
            try:
                self._check_place(path, within, status)
            except BaseException:
                self._raw.close()
                raise

    @staticmethod
    def _check_place(path: bytes, within: bytes, opened: os.stat_result) -> None:
        """What was opened is looked for at the place that links lead to: one may be exchanged at any moment."""
        place = os.path.realpath(path)
        if not is_inside(place, within):
            raise ContentError("link_outside", "A link to it leads out of the events directory.")
        try:
            found = os.lstat(place)
        except OSError:
            raise ContentChanged("the file is gone") from None
        if not os.path.samestat(found, opened):
            raise ContentChanged("another file by now")

    def __enter__(self) -> Content:
        return self

    def __exit__(self, *_: object) -> None:
        self._raw.close()

    def changed(self) -> bool:
        """Whether the file was written to since it was opened."""
        return not self.state.same_content(FileState.of(os.fstat(self._raw.fileno())))

    def head(self, compression: str | None, length: int) -> bytes:
        """The first `length` bytes of the decompressed content, for a `ChunkHash`."""
        return b"".join(self.text_blocks(compression, 0, length))

    def last_byte(self) -> bytes:
        """On disk; nothing of an empty file."""
        size = self.state.size_bytes
        return os.pread(self._raw.fileno(), 1, size - 1) if size else b""

    def is_gzip(self) -> bool:
        return os.pread(self._raw.fileno(), len(GZIP_MAGIC), 0) == GZIP_MAGIC

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
                is_cut = isinstance(error, EOFError)
                raise ContentError(
                    "damaged_gzip", f"The gzip data is damaged: {error}.", is_cut=is_cut
                ) from None


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
