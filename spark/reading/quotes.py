"""Quotes: where they open, close and are escaped.

It reads a single record, exactly and one at a time, and finds the quotes of a whole block.

A quote at the very beginning of a field opens it; anywhere else in a field that is not quoted it is a character like
any other. In a quoted field a quote is escaped in one of two ways: doubled (RFC 4180), or by a backslash, which then
escapes a backslash too (so Spark writes). A backslash before anything else, and outside of quotes, is itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

NEWLINE, CARRIAGE_RETURN, QUOTE, BACKSLASH = 0x0A, 0x0D, 0x22, 0x5C

# What `Layout.escape` says. `None`: the file does not show it, and a quote behind a backslash is in doubt.
BY_BACKSLASH = "\\"
DOUBLED = '"'
NO_QUOTES = "none"  # the mapping says that a quote is a character like others …
BARE_BACKSLASH = "none\\"  # … and that a backslash escapes what follows it, as databases write text
WITHOUT_QUOTES = (NO_QUOTES, BARE_BACKSLASH)

_ESCAPED = re.compile(rb'\\(["\\])')
_BARE_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v", b"0": b"\0"}
BARE_NULL = b"\\N"


@dataclass(frozen=True)
class QuotedRecord:
    """One record, read from its first byte on."""

    fields: tuple[bytes, ...]  # unquoted
    end: int  # the first byte behind it and its line end
    is_open: bool = False  # a quote that opens a field is not closed
    has_text_after_quote: bool = False
    has_lone_return: bool = False  # a carriage return outside of quotes that ends no line
    has_backslash_quote: bool = False  # a backslash before a quote, within a quoted field
    escapes_quote: bool = False  # by a backslash

    def is_good(self, count: int) -> bool:
        """Whether all CSV parsers of its kind would read it so, and it has `count` fields."""
        is_odd = self.is_open or self.has_text_after_quote or self.has_lone_return
        return not is_odd and len(self.fields) == count


def read_record(data: bytes, start: int, limit: int, delimiter: str, *, by_backslash: bool) -> QuotedRecord:
    """The record at `start`, which ends at a newline outside of quotes, or at `limit`."""
    quoted, bare = _patterns(delimiter, by_backslash)
    fields: list[bytes] = []
    after_quote = lone_return = backslash_quote = escapes_quote = False
    position = start
    while True:
        text: bytes | None = None
        if position < limit and data[position] == QUOTE:
            match = quoted.match(data, position, limit)
            if match is None:
                return QuotedRecord(tuple(fields), limit, is_open=True)
            text, position = match[1], match.end()
            backslash_quote |= b'\\"' in match[0]
            if by_backslash:
                escapes_quote |= b'"' in text
                text = _ESCAPED.sub(rb"\1", text) if b"\\" in text else text
            else:
                text = text.replace(b'""', b'"')
        found = bare.match(data, position, limit)
        assert found is not None  # noqa: S101 - it matches nothing at all, too
        tail, position = found[0], found.end()
        is_last = position >= limit or data[position] == NEWLINE
        if is_last:
            tail = tail.rstrip(b"\r")
        if text is None:
            lone_return |= b"\r" in tail
            fields.append(tail)
        else:
            after_quote |= bool(tail)
            fields.append(text + tail)
        position += 1
        if is_last:
            return QuotedRecord(
                tuple(fields),
                min(position, limit),
                has_text_after_quote=after_quote,
                has_lone_return=lone_return,
                has_backslash_quote=backslash_quote,
                escapes_quote=escapes_quote,
            )


@lru_cache(maxsize=64)
def good_record(fields: int, delimiter: str, *, by_backslash: bool) -> re.Pattern[bytes]:
    """Matches the records of which `QuotedRecord.is_good` is true, ten times quicker, and says no more of them."""
    separator = re.escape(delimiter.encode())
    field = rb'(?:"' + _inside(by_backslash) + rb'"|(?!")[^\r\n' + separator + rb"]*+)"
    more = rb"(?:" + separator + field + rb"){%d}" % (fields - 1)
    return re.compile(field + more + rb"\r*+(?:\n|\Z)", re.DOTALL)


@lru_cache(maxsize=64)
def _patterns(delimiter: str, by_backslash: bool) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """A field from its opening quote to its closing one, and a field, or the rest of one, without quotes."""
    quoted = re.compile(rb'"(' + _inside(by_backslash) + rb')"', re.DOTALL)
    return quoted, re.compile(rb"[^\n" + re.escape(delimiter.encode()) + rb"]*+")


def _inside(by_backslash: bool) -> bytes:
    return rb'(?:[^"\\]++|\\.)*+' if by_backslash else rb'(?:[^"]++|"")*+'


def bare_fields(record: bytes, delimiter: str) -> list[bytes]:
    """The fields of a record without quotes, as they are written, split at delimiters that no backslash escapes."""
    fields = _bare_field(delimiter)
    found, at = [], 0
    while True:
        match = fields.match(record, at)
        assert match is not None  # noqa: S101 - it matches nothing at all, too
        end = match.end()
        if end < len(record) and record[end : end + 1] != delimiter.encode():
            end = len(record)  # a backslash at the very end
        found.append(record[at:end])
        if end >= len(record):
            return found
        at = end + 1


def bare_text(field: bytes) -> bytes:
    """What such a field says; nothing where it is a null."""
    if b"\\" not in field:
        return field
    if field == BARE_NULL:
        return b""
    return _BARE_ESCAPE.sub(lambda found: _LETTERS.get(found[1], found[1]), field)


def has_bare_return(field: bytes) -> bool:
    """Whether such a field has a carriage return that is not escaped."""
    return b"\r" in field and b"\r" in _BARE_ESCAPE.sub(b"", field)


@lru_cache(maxsize=64)
def _bare_field(delimiter: str) -> re.Pattern[bytes]:
    return re.compile(rb"(?:[^\\" + re.escape(delimiter.encode()) + rb"]++|\\.)*+", re.DOTALL)


def escaped_ends(array: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which of the line ends, whose newlines are in front of `ends`, a backslash escapes."""
    newlines = ends - 1
    behind = (newlines > 0) & (array[newlines - 1] == BACKSLASH) & (array[newlines] == NEWLINE)
    if behind.any():
        backslashes, first = backslash_runs(array)
        chosen = newlines[behind]
        behind[behind] = (chosen - first[np.searchsorted(backslashes, chosen - 1)]) % 2 == 1
    return behind


def structural_quotes(array: npt.NDArray[np.uint8], *, by_backslash: bool) -> npt.NDArray[np.int64]:
    """The positions of the quotes, without those behind a backslash that escapes them.

    Outside of quoted fields nothing is escaped, but there a quote behind a backslash opens nothing either.
    """
    quotes = np.flatnonzero(array == QUOTE)
    if not by_backslash or not len(quotes):
        return quotes
    behind = array[quotes - 1] == BACKSLASH
    behind[0] &= quotes[0] > 0
    if not behind.any():
        return quotes
    backslashes, first = backslash_runs(array)
    chosen = quotes[behind]
    is_escaped = np.zeros(len(quotes), bool)
    is_escaped[behind] = (chosen - first[np.searchsorted(backslashes, chosen - 1)]) % 2 == 1
    return quotes[~is_escaped]


def backslash_runs(array: npt.NDArray[np.uint8]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The positions of the backslashes, and for each where the backslashes next to each other begin."""
    backslashes = np.flatnonzero(array == BACKSLASH)
    begins = np.diff(backslashes, prepend=-2) != 1
    return backslashes, np.maximum.accumulate(np.where(begins, backslashes, 0))


def doubled_escapes(text: bytes) -> bytes:
    """Well-formed records in which backslashes escape, as records in which quotes are doubled."""
    if b"\\" not in text:
        return text
    array = np.frombuffer(text + b"\n", np.uint8).copy()
    quotes = structural_quotes(array, by_backslash=True)
    backslashes, first = backslash_runs(array)
    is_inside = np.searchsorted(quotes, backslashes) % 2 == 1
    escapes = backslashes[is_inside & ((backslashes - first) % 2 == 0)]
    follows = array[escapes + 1]
    kept = np.ones(len(array), bool)
    kept[escapes[follows == BACKSLASH]] = False
    kept[-1] = False
    array[escapes[follows == QUOTE]] = QUOTE
    return array[kept].tobytes()
