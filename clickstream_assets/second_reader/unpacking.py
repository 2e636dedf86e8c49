"""The bytes of a file, decompressed and as UTF-8."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from clickstream_assets.contract import REPLAY_OF
from clickstream_assets.outages.errors import passes

BLOCK_BYTES = 1024 * 1024
GZIP = b"\x1f\x8b"
ZSTD = (b"\x28\xb5\x2f\xfd", *(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60)))

_OF_REPLAY = re.compile(rb'(?:\{")?' + REPLAY_OF.encode() + rb"[^\w\r\n]")


class UnreadableError(Exception):
    """The file cannot be read. The message is one sentence."""


class AwayError(UnreadableError):
    """It says nothing about the file: a mount is away, and may be back a moment later."""


def unpacked(content: bytes) -> bytes:
    """The content of a file, decompressed."""
    kind = "gzip" if content.startswith(GZIP) else "zstd" if content.startswith(ZSTD) else None
    return b"".join(_blocks(BytesIO(content), kind))


def text_encoding(start: bytes, said: str) -> str:
    """The encoding of a text that starts so, where the mapping says `said`."""
    if start.startswith(codecs.BOM_UTF8) or _OF_REPLAY.match(start):
        return "utf-8"
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32-le" if start.startswith(codecs.BOM_UTF32_LE) else "utf-32-be"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16-le" if start.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    name = codecs.lookup(said).name
    return f"{name}-le" if name in ("utf-16", "utf-32") else name


def text_blocks(path: bytes, compression: str | None, encoding: str) -> Iterator[bytes]:
    """The content of the file at `path`.

    Raises:
        UnreadableError: it is damaged, or the device does not give it.
    """
    try:
        with Path(os.fsdecode(path)).open("rb") as file:
            yield from in_utf8(_blocks(file, compression), encoding)
    except OSError as error:
        if error.errno is None:
            raise UnreadableError(f"its {compression} data is damaged: {error}") from None
        said = f"it cannot be read: {error.strerror}"
        raise (AwayError if passes(error) else UnreadableError)(said) from None
    except (EOFError, zlib.error) as error:
        raise UnreadableError(f"its {compression} data is damaged: {error}") from None


def in_utf8(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The same text in UTF-8. A byte that is no text becomes U+DC00 and its number, which UTF-8 has not."""
    if codecs.lookup(encoding).name == "utf-8":
        yield from blocks
        return
    decoder = codecs.getincrementaldecoder(encoding)("clickstream.second_reader")
    for block in blocks:
        yield decoder.decode(block).encode("utf-8", "surrogatepass")
    yield decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")


def _blocks(file: BinaryIO, compression: str | None) -> Iterator[bytes]:
    plain = _opened(file, compression)
    while block := plain.read(BLOCK_BYTES):
        yield block


def _opened(file: BinaryIO, compression: str | None) -> BinaryIO:
    if compression == "gzip":
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if compression == "zstd":
        import pyarrow as pa  # here, for it loads for a while, and Dagster's definitions load this package

        return cast(BinaryIO, pa.input_stream(file, compression="zstd"))
    return file


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - nothing is encoded with it
    return "".join(chr(0xDC00 | byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error("clickstream.second_reader", _escaped)
