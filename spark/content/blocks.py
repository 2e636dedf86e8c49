"""Blocks of an open file: as they are, or decompressed."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

import pyarrow as pa

from clickstream_assets.outages.errors import passes
from spark.content.errors import ContentError

BLOCK_BYTES = 4 * 1024 * 1024


def plain_blocks(stream: BinaryIO, length: int | None = None) -> Iterator[bytes]:
    """From where the stream is, at most `length` bytes.

    Raises:
        ContentError: the device does not give them.
        OSError: it may give them later.
    """
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


def gzip_blocks(raw: BinaryIO, offset: int, length: int | None) -> Iterator[bytes]:
    """The content from `offset` on, at most `length` bytes, of a stream at its beginning; raises as `plain_blocks`."""
    with gzip.GzipFile(fileobj=raw, mode="rb") as plain:
        try:
            plain.seek(offset)
            yield from plain_blocks(cast(BinaryIO, plain), length)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            is_cut = isinstance(error, EOFError)
            raise ContentError("damaged_gzip", f"The gzip data is damaged: {error}.", is_cut=is_cut) from None


def zstd_blocks(raw: BinaryIO, offset: int, length: int | None) -> Iterator[bytes]:
    """As `gzip_blocks`."""
    # A descriptor of its own, at the same place in the file: Arrow's stream closes the one that it is given.
    with (
        os.fdopen(os.dup(raw.fileno()), "rb", buffering=0) as own,
        pa.CompressedInputStream(pa.PythonFile(own, mode="r"), "zstd") as plain,
    ):
        yield from part_of(_zstd_read(plain), offset, length)


def part_of(blocks: Iterator[bytes], offset: int, length: int | None) -> Iterator[bytes]:
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
