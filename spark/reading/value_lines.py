"""JSON that is not an object a line, made into that: a list, objects over several lines, or one behind the other.

Each value becomes a line, its bytes as they are but for line ends. A mapping may take values apart: `records` leads to
a list whose items are the values, `items` to one of which each item stands in the list's place, beside all else.

Only brackets and quotes are looked at. A value that is no JSON is a line all the same, and so is anything between
values, up to the end of its line: the cleaning says what is wrong with them. What does not end is a last line without
an end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from clickstream_assets.contract import REPLAY_OF
from spark.reading.json_values import DECODER, TooDeepError, json_text

LONGEST_VALUE = 64 * 1024 * 1024  # bytes; of a longer one, so many are its line
MOST_BYTES_APART = 1024 * 1024 * 1024  # a value whose parts could have more stays whole
Path = tuple[str, ...]

_OUT_BYTES = 1024 * 1024
_MARK = b"\xef\xbb\xbf"
_BETWEEN = re.compile(rb"[\s,]*+")
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|"(?:[^"\\]++|\\.)*+")*+([{}\[\]])', re.DOTALL)
_TO_SIGN = re.compile(rb'[^"{}\[\]]*+')
_IN_TEXT = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_TEXT_OR_END = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\r\n]', re.DOTALL)
_OPENING = (b"{", b"[")
_REPLAYED = f'{{"{REPLAY_OF}":'.encode()  # a record of its own already


@dataclass(frozen=True)
class Unfolding:
    """How values are taken apart: the keys that lead to lists; none where there is nothing to take apart."""

    records: Path = ()
    items: Path = ()


def value_lines(blocks: Iterator[bytes], unfolding: Unfolding) -> Iterator[bytes]:
    """The text in `blocks`, UTF-8, as blocks of lines."""
    out: list[bytes] = []
    size = 0
    for piece in _Values(blocks, unfolding).pieces():
        out.append(piece)
        size += len(piece)
        if size >= _OUT_BYTES:
            yield b"".join(out)
            out, size = [], 0
    if out:
        yield b"".join(out)


def end_of_value(text: bytes) -> int | None:
    """Where the value that `text` begins with ends; None: not in it."""
    depth = at = 0
    while (found := _TO_BRACKET.match(text, at)) is not None:
        depth, at = depth + (1 if found[1] in _OPENING else -1), found.end()
        if depth <= 0:
            return at
    return None


class _Values:
    def __init__(self, blocks: Iterator[bytes], unfolding: Unfolding) -> None:
        self._blocks, self._unfolding = blocks, unfolding
        self._data, self._at = b"", 0
        self._is_in_list = False
        self._is_open = False  # the last line, which has no end

    def pieces(self) -> Iterator[bytes]:
        """Lines, each with the end of the one before."""
        is_first = True
        self._more()
        self._at = len(_MARK) if self._data.startswith(_MARK) else 0
        while (line := self._next()) is not None:
            yield line if is_first else b"\n" + line
            is_first = False
        if not (is_first or self._is_open or self._is_in_list):
            yield b"\n"

    def _next(self) -> bytes | None:
        while True:
            self._at = _end(_BETWEEN, self._data, self._at)
            sign = self._data[self._at : self._at + 1]
            if not sign:
                if not self._more():
                    return None
            elif sign == b"[" and not self._is_in_list:
                self._is_in_list, self._at = True, self._at + 1
            elif sign == b"]" and self._is_in_list:
                self._is_in_list, self._at = False, self._at + 1
            else:
                return self._apart(self._value()) if sign in _OPENING else self._junk()

    def _more(self) -> bool:
        """Read on; what was used is dropped."""
        block = next(self._blocks, b"")
        self._data, self._at = self._data[self._at :] + block, 0
        return bool(block)

    def _junk(self) -> bytes:
        """What is no value, to the end of its line."""
        line = b""
        while (end := self._data.find(b"\n", self._at)) < 0:
            line = (line + self._data[self._at :])[:LONGEST_VALUE]
            self._at = len(self._data)
            if not self._more():
                self._is_open = True
                return line.rstrip().replace(b"\r", b" ")
        line, self._at = (line + self._data[self._at : end])[:LONGEST_VALUE], end
        return line.rstrip().replace(b"\r", b" ")

    def _value(self) -> bytes:
        depth, place = 0, 0  # behind `_at`
        while True:
            found = _TO_BRACKET.match(self._data, self._at + place)
            if found is not None:
                depth, place = depth + (1 if found[1] in _OPENING else -1), found.end() - self._at
                if depth:
                    continue
            elif len(self._data) - self._at > LONGEST_VALUE:
                return self._overlong(depth, place)
            elif self._more():
                continue
            else:
                place, self._is_open = len(self._data) - self._at, True
            value, self._at = self._data[self._at : self._at + place], self._at + place
            return value[:LONGEST_VALUE].rstrip() if self._is_open else value[:LONGEST_VALUE]

    def _overlong(self, depth: int, place: int) -> bytes:
        """The beginning of a value; the rest of it is passed over."""
        beginning = self._data[self._at : self._at + LONGEST_VALUE]
        self._at += place
        is_text = False
        while True:
            self._at = _end(_IN_TEXT if is_text else _TO_SIGN, self._data, self._at)
            sign = self._data[self._at : self._at + 1]
            if not sign or sign == b"\\":  # the last byte, which escapes the next one
                if not self._more():
                    self._at, self._is_open = len(self._data), True
                    return beginning.rstrip()
                continue
            self._at += 1
            if sign == b'"':
                is_text = not is_text
                continue
            depth += 1 if sign in _OPENING else -1
            if not depth:
                return beginning

    def _apart(self, value: bytes) -> bytes:
        """The lines of a value."""
        if len(value) >= LONGEST_VALUE or self._unfolding == Unfolding() or value.startswith(_REPLAYED):
            return in_one_line(value)
        try:
            found = DECODER.decode(value.decode())
            json_text(found)
        except (ValueError, RecursionError, TooDeepError):
            return in_one_line(value)
        records = listed(found, self._unfolding.records) if self._unfolding.records else None
        parts = [found] if records is None else records
        if keys := self._unfolding.items:
            parts = [part for one in parts for part in for_each_item(one, keys)]
            if len(parts) * len(value) > MOST_BYTES_APART:
                return in_one_line(value)
        return b"\n".join(json_text(part).encode("utf-8", "surrogatepass") for part in parts)


def listed(value: Any, keys: Path) -> list[Any] | None:
    """The items of the list that `keys` lead to, and of those in lists on the way; None where there is none."""
    if isinstance(value, list):
        found = [(item, listed(item, keys) if keys else None) for item in value]
        return [part for item, parts in found for part in ([item] if parts is None else parts)]
    if not keys or not isinstance(value, dict) or keys[0] not in value:
        return None
    return listed(value[keys[0]], keys[1:])


def for_each_item(value: Any, keys: Path) -> list[Any]:
    """`value` once for each item of the list that `keys` lead to, the item in the list's place; itself where there is
    no list, or an empty one. Lists on the way are taken apart, too."""
    if isinstance(value, list) and value:
        return [part for item in value for part in for_each_item(item, keys)]
    if not keys or not isinstance(value, dict) or keys[0] not in value:
        return [value]
    return [{**value, keys[0]: part} for part in for_each_item(value[keys[0]], keys[1:])]


def in_one_line(value: bytes) -> bytes:
    """JSON without line ends: blanks between its parts. In a text one is wrong, and stays so."""
    if b"\n" not in value and b"\r" not in value:
        return value
    return _TEXT_OR_END.sub(
        lambda found: b" " if len(found[0]) == 1 and found[0] != b'"' else _without_ends(found[0]), value
    )


def _without_ends(text: bytes) -> bytes:
    return text.replace(b"\n", b"\v").replace(b"\r", b"\v")


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    found = pattern.match(data, at)
    return at if found is None else found.end()
