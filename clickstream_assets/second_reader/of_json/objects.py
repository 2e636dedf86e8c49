"""Records that are objects of JSON: an object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

MOST_KEYS = 500
LONGEST_KEY = 1_000
DEEPEST = 200


class ObjectError(ValueError):
    """A line is no object that can be read. `reason` is that of the reject."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Number(NamedTuple):
    """A number, as it is written."""

    digits: str


def members(line: bytes) -> dict[str, str]:
    """The members of an object as texts; those that are null are left out.

    Raises:
        ObjectError: it is none, or has a text that cannot be stored.
    """
    try:
        found = json.loads(line.decode("utf-8"), parse_int=Number, parse_float=Number, parse_constant=_none)
    except (ValueError, RecursionError):
        raise ObjectError("not_json") from None
    if not isinstance(found, dict):
        raise ObjectError("no_object")
    if depth(found) > DEEPEST:
        raise ObjectError("not_json")
    texts = {key: None if value is None else as_text(value) for key, value in found.items()}
    whole = as_json(found)
    if any("\ud800" <= letter <= "\udfff" for letter in whole):
        raise ObjectError("invalid_utf8")
    own = [value for value in found.values() if isinstance(value, str)]
    if any("\0" in text for text in (*found, *own)):
        raise ObjectError("nul_byte")
    return {key: text if text is not None else "" for key, text in texts.items()}


def object_texts(line: bytes, columns: Sequence[str]) -> list[str]:
    """The texts of an object by its columns; the empty text where there is none."""
    found = members(line)
    if not set(found) <= set(columns):
        raise ObjectError("unknown_key")
    return [found.get(name, "") for name in columns]


def keys_of(lines: Iterable[bytes]) -> list[str]:
    """The keys of all objects."""
    found: set[str] = set()
    for line in lines:
        try:
            names = members(line)
        except ObjectError:
            continue
        new = [name for name in names if name not in found and len(name) <= LONGEST_KEY]
        found.update(new[: MOST_KEYS - len(found)])
    return sorted(found)


def as_text(value: Any) -> str:
    """A value as the text of its column."""
    return value if isinstance(value, str) else as_json(value)


def as_json(value: Any) -> str:
    """A value as JSON, its numbers as they were."""
    if isinstance(value, Number):
        return value.digits
    if isinstance(value, dict):
        return "{" + ", ".join(f"{as_json(key)}: {as_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_json, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def depth(value: Any) -> int:
    """How deep objects and lists lie within each other; without recursion, for it may be very deep."""
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list)]:
        deepest += 1
        level = [item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer)]
    return deepest


def _none(word: str) -> Any:
    raise ValueError(word)
