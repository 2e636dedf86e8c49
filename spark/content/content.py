"""The content of one event file as blocks of UTF-8: plain, gzip or zstd, in whatever encoding it is written.

It opens the file, and tells whether it is still the one that intake saw.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import BinaryIO, cast

from clickstream_assets.file_names import FileState, is_inside
from clickstream_assets.outages.errors import passes
from spark.content.beginnings import GZIP_MAGIC, compression_of, is_zstd, refuse_within
from spark.content.blocks import gzip_blocks, part_of, plain_blocks, zstd_blocks
from spark.content.encodings import as_utf8, encoding_of
from spark.content.errors import ContentChanged, ContentError
from spark.mapping.encodings import UTF_8

BEGINNING_BYTES = 1024


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
        """Whether the last line has no end, in UTF-8 or UTF-16, or a Parquet file has none. Of compressed content it
        takes reading all of it: not told here."""
        size = self.state.size_bytes
        start = os.pread(self._raw.fileno(), 8, 0)
        if not size or start.startswith(GZIP_MAGIC) or is_zstd(start):
            return False
        if start.startswith(b"PAR1"):
            return os.pread(self._raw.fileno(), 4, max(0, size - 4)) != b"PAR1"
        end = os.pread(self._raw.fileno(), 2, max(0, size - 2))
        return bool(end) and not end.endswith(b"\n") and end != b"\n\0"

    def disk_blocks(self) -> Iterator[bytes]:
        """The bytes on disk, from the start.

        Raises:
            ContentError: the device does not give them.
        """
        self._raw.seek(0)
        yield from plain_blocks(self._raw)

    def compression(self, name: bytes) -> str | None:
        """`gzip`, `zstd` or `None`, by the first bytes.

        Raises:
            ContentError: it is compressed in a way that is not read here, or is not what its name says.
        """
        self._raw.seek(0)
        return compression_of(self._raw.read(BEGINNING_BYTES), name)

    def encoding(self, compression: str | None, named: str | None) -> str:
        """The encoding of the text, by its beginning and by what the mapping names.

        Raises:
            ContentError: as `text_blocks`.
        """
        beginning = b"".join(self._plain_blocks(compression, 0, BEGINNING_BYTES))
        if compression is not None:
            refuse_within(beginning, compression)
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
            yield from part_of(as_utf8(self._plain_blocks(compression, 0, None), encoding), offset, length)

    def _plain_blocks(self, compression: str | None, offset: int, length: int | None) -> Iterator[bytes]:
        if compression is None:
            self._raw.seek(offset)
            yield from plain_blocks(self._raw, length)
            return
        self._raw.seek(0)
        yield from (gzip_blocks if compression == "gzip" else zstd_blocks)(self._raw, offset, length)
