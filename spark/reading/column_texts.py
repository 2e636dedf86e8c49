"""Columns of Arrow as texts: what CSV would say of the same values, and what JSON does.

A whole number has no point, a time no `T` and, where its zone is known, the zone of UTC and a `Z` at its end. A list, a
structure or a map is its JSON.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.reading.json_values import json_text

WHOLE = float(1 << 53)  # below it all whole numbers are there as floats


def is_plain_json(kind: pa.DataType) -> bool:
    """Whether the texts of such a column are JSON as they are, but for numbers that are none."""
    types = pa.types
    return bool(
        types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        or types.is_nested(kind)
    )  # fmt: skip


def texts_of(column: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    """The texts of a column, and which of them are no UTF-8 (their text is null)."""
    kind = column.type
    types = pa.types
    good = np.zeros(len(column), bool)
    if isinstance(column, pa.ExtensionArray):
        if str(kind).startswith("extension<arrow.uuid"):
            return _made(column.storage, lambda value: str(UUID(bytes=value))), good
        return texts_of(column.storage)
    if types.is_dictionary(kind):
        return texts_of(column.dictionary_decode())
    if types.is_nested(kind):
        made = [None if value is None else json_text(_plain(value, kind)) for value in _values(column)]
        return pa.array(made, pa.string()), good
    if types.is_floating(kind):
        return _floats(column), good
    if types.is_timestamp(kind) and kind.tz is not None:
        return column.cast(pa.timestamp(kind.unit, "UTC")).cast(pa.string()), good
    if types.is_duration(kind):
        return column.cast(pa.int64()).cast(pa.string()), good
    if _is_text(kind):
        return _checked(column)
    return column.cast(pa.string()), good


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind) or types.is_binary(kind)
        or types.is_large_binary(kind) or types.is_binary_view(kind) or types.is_fixed_size_binary(kind)
    )  # fmt: skip


def _checked(column: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.bool_]]:
    raw = column.cast(pa.binary())
    try:
        return raw.cast(pa.string()), np.zeros(len(column), bool)
    except pa.ArrowInvalid:
        found = [None if value is None else value.decode("utf-8", "replace") for value in raw.to_pylist()]
        wrong = np.fromiter((_is_no_text(value) for value in raw.to_pylist()), np.bool_, len(raw))
        return pa.array(
            [None if bad else text for text, bad in zip(found, wrong, strict=True)], pa.string()
        ), wrong


def _is_no_text(value: bytes | None) -> bool:
    try:
        if value is not None:
            value.decode()
    except UnicodeDecodeError:
        return True
    return False


def _floats(column: pa.Array) -> pa.StringArray:
    wide = column.cast(pa.float64())
    is_whole = pc.and_(pc.equal(pc.floor(wide), wide), pc.less(pc.abs(wide), WHOLE))
    whole = pc.if_else(is_whole, wide, 0.0).cast(pa.int64()).cast(pa.string())
    return pc.if_else(is_whole, whole, column.cast(pa.string()))


def _made(column: pa.Array, text: Any) -> pa.StringArray:
    return pa.array([None if value is None else text(value) for value in column.to_pylist()], pa.string())


def _values(column: pa.Array) -> list[Any]:
    """What Python makes of nested values. What it has no value for (a time after the year 9999) is its text."""
    try:
        found: list[Any] = column.to_pylist()
        return found
    except (
        ValueError,
        OverflowError,
    ):  # as of a structure that has a name twice, too, of which the last counts
        return [_value(scalar) for scalar in column]


def _value(scalar: pa.Scalar) -> Any:
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.MapScalar):
        return [(_value(pair[0]), _value(pair[1])) for pair in scalar.values]
    if isinstance(scalar, pa.StructScalar):
        return {field.name: _value(scalar[at]) for at, field in enumerate(scalar.type)}
    if isinstance(scalar, pa.ListScalar):
        return [_value(item) for item in scalar.values]
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return scalar.cast(pa.string()).as_py()


def _plain(value: Any, kind: pa.DataType) -> Any:
    """As JSON has it. Of a map the keys are texts."""
    match value:
        case dict():
            kinds = {field.name: field.type for field in kind}
            return {name: _plain(item, kinds[name]) for name, item in value.items()}
        case list() if pa.types.is_map(kind):  # which an empty one does not say itself
            return {str(_word(key)): _plain(item, kind.item_type) for key, item in value}
        case list():
            return [_plain(item, kind.value_type) for item in value]
        case bool() | None | str():
            return value
        case int():
            return str(value).encode()
        case float():
            return _float(value)
        case Decimal():
            return str(value).encode() if value.is_finite() else str(value)
        case _:
            return _word(value)


def _float(value: float) -> Any:
    text = _floats(pa.array([value], pa.float64()))[0].as_py()
    return text.encode() if math.isfinite(value) else text


def _word(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return f"{value.astimezone(dt.UTC).replace(tzinfo=None).isoformat(' ')}Z"
    return value.isoformat(" ") if isinstance(value, dt.datetime) else str(value)


def json_member(kind: pa.DataType, text: str | None, value: Any) -> bytes:
    """A value of a row as JSON: `text` as above, `value` as Python has it where it is bytes that are no text."""
    if text is None:
        if not isinstance(value, bytes):
            return b"null"
        text = value.decode("utf-8", "surrogateescape")
    elif is_plain_json(kind) and text not in ("nan", "inf", "-inf", "NaN"):
        return text.encode()
    return json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogateescape")
