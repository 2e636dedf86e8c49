"""One record by the grammar of quotes, byte after byte: its fields, where it ends, and what is odd about it.

A quote at the very beginning of a field opens it; in any other field a quote is a character like others. Within a
quoted field a quote is written as two, or, where backslashes escape, behind a backslash, as is a backslash itself.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BESIDE = re.compile(rb'["\\]')


class QuotedRecord(NamedTuple):
    """`end` is behind the newline. `is_open`: the data ends within quotes, and the rest of this means nothing."""

    fields: tuple[bytes, ...]
    end: int
    is_open: bool = False
    text_after_quote: bool = False
    lone_return: bool = False  # a carriage return outside of quotes that is not at the record's end
    backslash_quote: bool = False  # a quote behind a backslash, within a quoted field
    escapes_quote: bool = False  # a backslash has escaped one

    def is_record(self, fields: int) -> bool:
        """Whether nothing is odd, and there are so many fields."""
        return len(self.fields) == fields and not (self.is_open or self.text_after_quote or self.lone_return)


class _Quoted(NamedTuple):
    value: bytes
    end: int  # behind the closing quote
    backslash_quote: bool
    escapes_quote: bool


def read_record(data: bytes, delimiter: bytes, backslash: bool) -> QuotedRecord:
    """The record that `data` begins with; it ends at a newline outside of quotes, or with the data."""
    fields: list[bytes] = []
    at = 0
    after = lone = beside = escapes = False
    line_end = data.find(b"\n")
    while True:
        value = b""
        is_quoted = data.startswith(b'"', at)
        if is_quoted:
            quoted = _read_quoted(data, at + 1, backslash)
            if quoted is None:
                return QuotedRecord((), len(data), is_open=True)
            value, at = quoted.value, quoted.end
            beside, escapes = beside or quoted.backslash_quote, escapes or quoted.escapes_quote
            if 0 <= line_end < at:
                line_end = data.find(b"\n", at)
        limit = line_end if line_end >= 0 else len(data)
        end = data.find(delimiter, at, limit)
        is_last = end < 0
        rest = data[at : limit if is_last else end]
        if is_last:
            rest = rest.rstrip(b"\r")
        if is_quoted:
            after = after or bool(rest)
        else:
            lone = lone or b"\r" in rest
        fields.append(value + rest)
        if is_last:
            return QuotedRecord(tuple(fields), min(limit + 1, len(data)), False, after, lone, beside, escapes)
        at = end + 1


def _read_quoted(data: bytes, start: int, backslash: bool) -> _Quoted | None:
    """What is quoted from `start` on; None where the quote is never closed."""
    value = b""
    at, kept = start, start
    beside = escapes = False
    while (found := _BESIDE.search(data, at)) is not None:
        place = found.start()
        pair = data[place : place + 2]
        beside = beside or pair == b'\\"'
        if pair[:1] == b"\\":
            if backslash and pair in (b'\\"', b"\\\\"):
                # For one who doubles quotes, the second of two backslashes may stand before a quote.
                beside = beside or data[place + 1 : place + 3] == b'\\"'
                escapes = escapes or pair == b'\\"'
                value, kept, at = value + data[kept:place] + pair[1:], place + 2, place + 2
            else:
                at = place + 1
        elif pair == b'""' and not backslash:
            value, kept, at = value + data[kept : place + 1], place + 2, place + 2
        else:
            return _Quoted(value + data[kept:place], place + 1, beside, escapes)
    return None


def bare_fields(text: str, delimiter: str) -> list[str] | None:
    """The fields of a record without quotes, in which a backslash escapes the sign behind it. None: it has a carriage
    return that is not escaped."""
    signs = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
    fields, field, at = [], "", 0
    is_null = False  # the field is, so far
    while at < len(text):
        sign = text[at]
        at += 1
        if sign == "\r":
            return None
        if sign == "\\" and at < len(text):
            is_null = text[at] == "N" and not field
            field += signs.get(text[at], text[at])
            at += 1
        elif sign == delimiter:
            fields.append("" if is_null else field)
            field, is_null = "", False
        else:
            field += sign
            is_null = False
    return [*fields, "" if is_null else field]
