"""Values within a column of JSON, as texts (`reading/json_values`). What is not there is no value.

Row by row with msgspec's decoder, which is several times as fast as Python's; that one reads what msgspec refuses, or
would read otherwise. Arrow's expressions take longer for two members than both, and Arrow's reader of JSON loses digits
and takes texts for times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.mapping.sources import Step
from spark.reading.json_values import DECODER, DEEPEST, TooDeepError, json_text

Steps = tuple[Step, ...]

_QUICK = msgspec.json.Decoder(float_hook=str.encode)
_WRONG = object()
_ABSENT = object()


def json_values(
    column: pa.StringArray, paths: Sequence[Steps]
) -> tuple[list[pa.StringArray], npt.NDArray[np.bool_]]:
    """A column for each of `paths`, and which of the texts are no JSON. Null where there is no text."""
    parsed = [None if text is None else _parsed(text) for text in column.to_pylist()]
    wrong = np.fromiter((value is _WRONG for value in parsed), np.bool_, len(parsed))
    found = [pa.array([_text(_within(value, steps)) for value in parsed], pa.string()) for steps in paths]
    return found, wrong


def _parsed(text: str) -> Any:
    may_be_deep = text.count("{") + text.count("[") > DEEPEST
    if not may_be_deep and "-0" not in text:  # -0 is no integer
        try:
            return _QUICK.decode(text)
        except (msgspec.MsgspecError, UnicodeError):
            pass
    try:
        found = DECODER.decode(text)
        if may_be_deep:
            json_text(found)
        return found
    except (ValueError, RecursionError, TooDeepError):
        return _WRONG


def _within(value: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else _ABSENT
        elif isinstance(step, tuple):
            value = _item(value, *step)
        else:
            value = value.get(step, _ABSENT) if isinstance(value, dict) else _ABSENT
    return value


def _item(value: Any, key: str, text: str) -> Any:
    """The first item of a list that is an object whose `key` is the text."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict) and key in item and _text(item[key]) == text:
            return item
    return _ABSENT


def _text(value: Any) -> str | None:
    if value is None or value is _ABSENT or value is _WRONG:
        return None
    if isinstance(value, str):
        return _storable(value)
    return _storable(json_text(value))


def _storable(text: str) -> str:
    """Escapes can name characters that no text of PostgreSQL has: halves of pairs, and NUL."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
