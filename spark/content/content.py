"""The content of one event file as blocks of UTF-8: plain, gzip or zstd, in whatever encoding it is written.

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

import pyarrow as pa

from clickstream_assets.file_names import FileState, is_inside
from clickstream_assets.outages.errors import passes
from spark.content.encodings import as_utf8, encoding_of
from spark.mapping.encodings import UTF_8

BLOCK_BYTES = 4 * 1024 * 1024
BEGINNING_BYTES = 1024
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}  # what names say of a content
OTHER_MAGIC = {
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
    b"\xfd7zXZ\x00": "xz",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xff\x06\x00\x00sNaPpY": "snappy",
    b"Obj\x01": "Avro",
    b"ORC": "ORC",
    b"SQLite format 3\x00": "a database of SQLite",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an old file of Excel or Word",
    b"%PDF-": "PDF",
}
_TAR_AT, _TAR = 257, b"ustar"


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

    With `within`, a directory, the file must lie in it, whatever links lead there. An error that passes by itself, such
    as that of a mount that is away, leaves any method as OSError.
    """

    def __init__(self, path: bytes, within: bytes | None = None) -> None:
        # O_NONBLOCK: a name that became a pipe since it was listed must not block the stream.
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ContentChanged("the file is gone") from None
        except OSError as error:
            if passes(error):
                raise
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
        except OSError as error:
            if passes(error):
                raise
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

    def head(self, compression: str | None, length: int, encoding: str = UTF_8) -> bytes:
        """The first `length` bytes of the content, for a `ChunkHash`."""
        return b"".join(self.text_blocks(compression, 0, length, encoding))

    def read_range(self, offset: int, length: int) -> bytes:
        """Bytes on disk; fewer where the file ends before.

        Raises:
            ContentError: the device does not give them.
        """
        parts = []
        try:
            while length and (part := os.pread(self._raw.fileno(), length, offset)):
                parts.append(part)
                offset, length = offset + len(part), length - len(part)
        except OSError as error:
            if passes(error):
                raise
            raise ContentError("unreadable", f"It cannot be read: {error.strerror}.") from None
        return b"".join(parts)

    def ends_within_line(self) -> bool:
        """Whether the last line has no end. Of compressed content it takes reading all of it: not told here."""
        return ends_within_line(self._raw.fileno(), self.state.size_bytes)

    def disk_blocks(self) -> Iterator[bytes]:
        """The bytes on disk, from the start.

        Raises:
            ContentError: the device does not give them.
        """
        self._raw.seek(0)
        yield from _read(self._raw)

    def compression(self, name: bytes) -> str | None:
        """`gzip`, `zstd` or `None`, by the first bytes.

        Raises:
            ContentError: it is compressed in a way that is not read here, or is not what its name says.
        """
        self._raw.seek(0)
        start = self._raw.read(16)
        if start.startswith(GZIP_MAGIC):
            return "gzip"
        if is_zstd(start):
            return "zstd"
        _refuse_other(start + self._raw.read(BEGINNING_BYTES))
        said = COMPRESSED.get(os.path.splitext(os.fsdecode(name).lower())[1])
        if said is not None and start:
            end = os.path.splitext(os.fsdecode(name))[1]
            raise ContentError(f"not_{said}", f"It is named {end} but is no {said} file.")
        return None

    def encoding(self, compression: str | None, named: str | None) -> str:
        """The encoding of the text, by its beginning and by what the mapping names.

        Raises:
            ContentError: as `text_blocks`.
        """
        beginning = b"".join(self._plain_blocks(compression, 0, BEGINNING_BYTES))
        if compression is not None:
            _refuse_within(beginning, compression)
        return encoding_of(beginning, named)

    def text_blocks(
        self,
        compression: str | None,
        offset: int = 0,
        length: int | None = None,
        encoding: str = UTF_8,
    ) -> Iterator[bytes]:
        """The content from `offset` on, at most `length` bytes (default: to the end), decompressed and as UTF-8.

        Bytes that are no text in `encoding` come out as bytes that are none in UTF-8, so that they are noticed.

        Raises:
            ContentError: the compressed data is damaged or cut short.
        """
        if encoding == UTF_8:
            yield from self._plain_blocks(compression, offset, length)
        else:
            yield from _part(as_utf8(self._plain_blocks(compression, 0, None), encoding), offset, length)

    def _plain_blocks(self, compression: str | None, offset: int, length: int | None) -> Iterator[bytes]:
        if compression is None:
            self._raw.seek(offset)
            yield from _read(self._raw, length)
            return
        self._raw.seek(0)
        yield from (self._gzip_blocks if compression == "gzip" else self._zstd_blocks)(offset, length)

    def _gzip_blocks(self, offset: int, length: int | None) -> Iterator[bytes]:
        with gzip.GzipFile(fileobj=self._raw, mode="rb") as plain:
            try:
                plain.seek(offset)
                yield from _read(cast(BinaryIO, plain), length)
            except (EOFError, gzip.BadGzipFile, zlib.error) as error:
                is_cut = isinstance(error, EOFError)
                raise ContentError(
                    "damaged_gzip", f"The gzip data is damaged: {error}.", is_cut=is_cut
                ) from None

    def _zstd_blocks(self, offset: int, length: int | None) -> Iterator[bytes]:
        # A descriptor of its own, at the same place in the file: Arrow's stream closes the one that it is given.
        with (
            os.fdopen(os.dup(self._raw.fileno()), "rb", buffering=0) as raw,
            pa.CompressedInputStream(pa.PythonFile(raw, mode="r"), "zstd") as plain,
        ):
            yield from _part(_zstd_read(plain), offset, length)


def _other(beginning: bytes) -> str | None:
    """What a content is that begins so, if it is something that is not read."""
    if beginning[_TAR_AT:].startswith(_TAR):
        return "tar"
    return next((kind for magic, kind in OTHER_MAGIC.items() if beginning.startswith(magic)), None)


def _refuse_other(beginning: bytes) -> None:
    if kind := _other(beginning):
        text = f"It is {kind}: only text (also in gzip or zstd) and Parquet are read."
        raise ContentError("unsupported_format", text)


def _refuse_within(beginning: bytes, compression: str) -> None:
    known = {GZIP_MAGIC: "gzip", ZSTD_MAGIC: "zstd", b"PAR1": "Parquet"}
    inner = next((kind for magic, kind in known.items() if beginning.startswith(magic)), _other(beginning))
    if inner is not None:
        text = f"It is {inner} within {compression}, where only text is read."
        raise ContentError("unsupported_format", text)


def is_zstd(start: bytes) -> bool:
    """Whether a file that begins so is zstd; programs may put a frame of their own in front."""
    return start.startswith(ZSTD_MAGIC) or (start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F)


def ends_within_line(descriptor: int, size: int) -> bool:
    """Whether the last line of an open file of `size` bytes has no end, in UTF-8 or UTF-16, or a Parquet file has
    none. False where it is compressed."""
    start = os.pread(descriptor, 8, 0)
    if not size or start.startswith(GZIP_MAGIC) or is_zstd(start):
        return False
    if start.startswith(b"PAR1"):
        return os.pread(descriptor, 4, max(0, size - 4)) != b"PAR1"
    end = os.pread(descriptor, 2, max(0, size - 2))
    return bool(end) and not end.endswith(b"\n") and end != b"\n\0"


def _zstd_read(plain: pa.NativeFile) -> Iterator[bytes]:
    while True:
        try:
            block = plain.read(BLOCK_BYTES)
        except OSError as error:
            if passes(error):
                raise
            if error.errno is not None:
                raise ContentError("unreadable", f"It cannot be read: {error.strerror}.") from None
            is_cut = "runcated" in str(error)
            text = "it ends too early" if is_cut else str(error)
            raise ContentError("damaged_zstd", f"The zstd data is damaged: {text}.", is_cut=is_cut) from None
        if not block:
            return
        yield block


def _part(blocks: Iterator[bytes], offset: int, length: int | None) -> Iterator[bytes]:
    """Of consecutive blocks, the bytes from `offset` on, at most `length`."""
    left = length
    for block in blocks:
        if offset >= len(block):
            offset -= len(block)
            continue
        found = block[offset:] if left is None else block[offset : offset + left]
        offset = 0
        if left is not None:
            left -= len(found)
        if found:
            yield found
        if left == 0:
            return


def _read(stream: BinaryIO, length: int | None = None) -> Iterator[bytes]:
    left = length
    while left is None or left > 0:
        try:
            block = stream.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left))
        except OSError as error:
            if isinstance(error, gzip.BadGzipFile) or passes(error):
                raise
            raise ContentError("unreadable", f"It cannot be read: {error.strerror}.") from None
        if not block:
            return
        if left is not None:
            left -= len(block)
        yield block
