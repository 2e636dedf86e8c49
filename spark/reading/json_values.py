"""Values of JSON as texts.

A text stays as it is, a number keeps its digits (ids exceed 64 bits, and 5.50 is 5.50), true and false are words, an
object or a list is its JSON. A null is no value. Of a key that is there twice the last counts.
"""

from __future__ import annotations

import json
from typing import Any

DEEPEST = 200  # objects and lists within each other; what is deeper counts as no JSON


class TooDeepError(ValueError):
    """Objects and lists lie too deep within each other."""


def no_constant(name: str) -> Any:
    """NaN and Infinity are no JSON, though Python's reader takes them."""
    raise ValueError(name)


# A number becomes the bytes of its digits.
DECODER = json.JSONDecoder(parse_float=str.encode, parse_int=str.encode, parse_constant=no_constant)


def json_text(value: Any, depth: int = 0) -> str:
    """The JSON of a value in which numbers are bytes, or integers.

    Raises:
        TooDeepError: it cannot be written.
    """
    if isinstance(value, bytes):
        return value.decode()
    if type(value) is int:
        return str(value)
    if depth >= DEEPEST and isinstance(value, dict | list):
        raise TooDeepError
    if isinstance(value, dict):
        members = (f"{json_text(key)}: {json_text(item, depth + 1)}" for key, item in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join([json_text(item, depth + 1) for item in value]) + "]"
    return json.dumps(value, ensure_ascii=False)
