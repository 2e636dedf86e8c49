"""The encoding of a file's text: found by its beginning, else the one that the mapping names; and text as UTF-8.

Bytes that are no text in the encoding become halves of surrogate pairs, one a byte: no UTF-8, whatever stands beside
them. So their row is rejected, with the evidence, and no other.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from clickstream_assets.contract import REPLAY_OF
from spark.mapping.encodings import UTF_8

MARKS = {  # in this order: that of UTF-32 begins like that of UTF-16
    b"\xef\xbb\xbf": UTF_8,
    b"\xff\xfe\0\0": "utf-32-le",
    b"\0\0\xfe\xff": "utf-32-be",
    b"\xff\xfe": "utf-16-le",
    b"\xfe\xff": "utf-16-be",
}
BAD_BYTES = "clickstream.bad_bytes"

_REPLAYED = re.compile(
    rb'(?:\{")?' + REPLAY_OF.encode() + rb"[^\w\r\n]"
)  # what `rejects replay` writes is UTF-8


def encoding_of(beginning: bytes, named: str | None) -> str:
    """The encoding of a text that begins so. A byte-order mark comes before what the mapping names."""
    for mark, encoding in MARKS.items():
        if beginning.startswith(mark):
            return encoding
    if named is None or _REPLAYED.match(beginning):
        return UTF_8
    return named


def as_utf8(blocks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """The same text in UTF-8."""
    decoder = codecs.getincrementaldecoder(encoding)(BAD_BYTES)
    for block in blocks:
        if text := decoder.decode(block):
            yield text.encode(UTF_8, "surrogatepass")
    if text := decoder.decode(b"", True):
        yield text.encode(UTF_8, "surrogatepass")


def _bad_bytes(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - nothing is encoded with it
    wrong = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in wrong), error.end


codecs.register_error(BAD_BYTES, _bad_bytes)
