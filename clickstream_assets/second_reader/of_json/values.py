"""JSON in a list, over several lines, or one value behind the other: as lines, a value each. Byte after byte."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from clickstream_assets.contract import REPLAY_OF
from clickstream_assets.second_reader.of_json.objects import DEEPEST, Number, as_json, depth

LONGEST = 64 * 1024 * 1024  # bytes of a value that count
MOST_APART = 1024 * 1024 * 1024

_BLANKS = b" \t\n\r\v\f"
_OPEN, _CLOSE = b"{[", b"}]"


def lines_of_values(blocks: Iterator[bytes], records: Sequence[str], items: Sequence[str]) -> Iterator[bytes]:
    """The text as lines. `records` and `items`: the keys to the lists that are taken apart. The last line has no end
    where the text ends too early."""
    lines = _values(blocks)
    first = True
    for value, is_whole in lines:
        if not value:
            return
        line = _apart(value, records, items) if value[:1] in (b"{", b"[") else value.replace(b"\r", b" ")
        yield line if first else b"\n" + line
        first = False
        if not is_whole:
            return
    if not first:
        yield b"\n"


def _values(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, bool]]:
    """The values, and what stands between them, each on its own; and whether it ends. Last nothing, where a list does
    not."""
    value = bytearray()
    level, is_text, is_escaped, is_junk, is_list = 0, False, False, False, False
    is_mark_possible = True
    for block in blocks:
        if is_mark_possible:
            block, is_mark_possible = block.removeprefix(b"\xef\xbb\xbf"), False
        for number in block:
            letter = bytes((number,))
            if is_junk:
                if letter == b"\n":
                    yield bytes(value).rstrip(), True
                    value, is_junk = bytearray(), False
                elif len(value) < LONGEST:
                    value += letter
            elif level:
                if len(value) < LONGEST:
                    value += letter
                if is_text:
                    is_text = is_escaped or letter != b'"'
                    is_escaped = letter == b"\\" and not is_escaped
                elif letter == b'"':
                    is_text = True
                elif letter in (b"{", b"["):
                    level += 1
                elif letter in (b"}", b"]"):
                    level -= 1
                    if not level:
                        yield bytes(value), True
                        value = bytearray()
            elif letter == b"[" and not is_list:
                is_list = True
            elif letter == b"]" and is_list:
                is_list = False
            elif letter in (b"{", b"["):
                level, is_text, is_escaped = 1, False, False
                value += letter
            elif letter not in _BLANKS and letter != b",":
                is_junk = True
                value += letter
    if value:
        yield bytes(value).rstrip(), False
    elif is_list:
        yield b"", False


def _apart(value: bytes, records: Sequence[str], items: Sequence[str]) -> bytes:
    is_replay = value.startswith(b'{"%s":' % REPLAY_OF.encode())  # which was a line before
    if len(value) >= LONGEST or is_replay or not (records or items):
        return _in_one_line(value)
    try:
        found = json.loads(
            value.decode("utf-8"), parse_int=Number, parse_float=Number, parse_constant=_no_number
        )
    except (ValueError, RecursionError):
        return _in_one_line(value)
    if depth(found) > DEEPEST:
        return _in_one_line(value)
    alone = _items_alone(found, records) if records else None
    parts = [found] if alone is None else alone
    if items:
        parts = [part for one in parts for part in _one_for_each(one, items)]
        if len(parts) * len(value) > MOST_APART:
            return _in_one_line(value)
    return b"\n".join(as_json(part).encode("utf-8", "surrogatepass") for part in parts)


def _items_alone(value: Any, keys: Sequence[str]) -> list[Any] | None:
    """The items of the list that the keys lead to; None where they lead to none."""
    if isinstance(value, list):
        parts: list[Any] = []
        for item in value:
            inner = _items_alone(item, keys) if keys else None
            parts.extend([item] if inner is None else inner)
        return parts
    if keys and isinstance(value, dict) and keys[0] in value:
        return _items_alone(value[keys[0]], keys[1:])
    return None


def _one_for_each(value: Any, keys: Sequence[str]) -> list[Any]:
    """The value for each item of the list that the keys lead to, with the item alone in the list's place."""
    if isinstance(value, list) and value:
        return [found for item in value for found in _one_for_each(item, keys)]
    if not (keys and isinstance(value, dict) and keys[0] in value):
        return [value]
    return [value | {keys[0]: item} for item in _one_for_each(value[keys[0]], keys[1:])]


def _in_one_line(value: bytes) -> bytes:
    """Line ends between its parts become blanks, and those in its texts a sign that makes them as wrong."""
    if not (b"\n" in value or b"\r" in value):
        return value
    found = bytearray()
    is_text = is_escaped = False
    for number in value:
        letter = bytes((number,))
        if letter in (b"\n", b"\r"):
            found += b"\v" if is_text else b" "
        else:
            found += letter
        if is_text:
            is_text = is_escaped or letter != b'"'
            is_escaped = letter == b"\\" and not is_escaped
        else:
            is_text = letter == b'"'
    return bytes(found)


def _no_number(word: str) -> None:
    raise ValueError(word)
