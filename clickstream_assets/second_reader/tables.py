"""The rows of a Parquet file, each as an object of JSON: what JSON says of the same values."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from clickstream_assets.second_reader.outcomes import KEPT_BYTES, MAX_RECORD_BYTES, Record
from clickstream_assets.second_reader.unpacking import UnreadableError

ROWS = 1_000  # at once
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_EPOCH = datetime(1970, 1, 1)


def table_records(path: str) -> Iterator[Record]:
    """The rows of a file in their order, numbered from 1.

    Raises:
        UnreadableError: it is damaged.
    """
    # Here, for it loads for a while, and Dagster's definitions load this package.
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with Path(path).open("rb") as file:
            table = pq.ParquetFile(file)
            number = 0
            for batch in table.iter_batches(ROWS):
                columns = [_words(column) for column in batch.columns]
                for values in zip(*columns, strict=True):
                    number += 1
                    yield _record(number, dict(zip(batch.schema.names, values, strict=True)))
    except pa.ArrowException as error:
        raise UnreadableError(f"its Parquet data is damaged: {error}") from None
    except OSError as error:
        raise UnreadableError(f"it cannot be read: {error}") from None


def _record(number: int, row: dict[str, tuple[str | None, bytes]]) -> Record:
    size = sum(len(text.encode("utf-8", "surrogateescape")) for text, _ in row.values() if text is not None)
    names = (json.dumps(name, ensure_ascii=False).encode() for name in row)
    data = (
        b"{"
        + b",".join(b":".join(pair) for pair in zip(names, (raw for _, raw in row.values()), strict=True))
        + b"}"
    )
    flaw = "line_too_long" if size > MAX_RECORD_BYTES else None
    return Record(number, 0, len(data), data if flaw is None else data[:KEPT_BYTES], flaw)


def _words(column: Any) -> list[tuple[str | None, bytes]]:
    """Each value as the text that it is, and as JSON."""
    import pyarrow as pa

    types, kind = pa.types, column.type
    if types.is_timestamp(kind):
        zone = "Z" if kind.tz else ""
        said: Callable[[Any], str] = lambda value: _moment(value, kind.unit) + zone  # noqa: E731
        return [_quoted(value, said) for value in column.cast(pa.int64()).to_pylist()]
    if types.is_duration(kind):
        return [_quoted(value, str) for value in column.cast(pa.int64()).to_pylist()]
    if types.is_float32(kind) or types.is_float16(kind):
        return [_number(value, lambda value: _single(value, kind.bit_width)) for value in column.to_pylist()]
    if types.is_floating(kind):
        return [_number(value, _float) for value in column.to_pylist()]
    if types.is_integer(kind) or types.is_decimal(kind):
        return [_number(value, str) for value in column.to_pylist()]
    if types.is_boolean(kind) or types.is_nested(kind):
        return [_number(value, lambda value: _json(value, kind)) for value in _python_values(column)]
    if types.is_time(kind):
        digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[kind.unit]
        width = pa.int32() if kind.bit_width == 32 else pa.int64()
        return [
            _quoted(value, lambda value: _clock(value, digits)) for value in column.cast(width).to_pylist()
        ]
    return [_quoted(value, _text) for value in column.to_pylist()]


def _python_values(column: Any) -> list[Any]:
    """Nested values. Python has no times after the year 9999, and no names twice: there, one after the other."""
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_unpacked(scalar) for scalar in column]


def _unpacked(scalar: Any) -> Any:
    if not scalar.is_valid:
        return None
    kind = scalar.type
    if hasattr(kind, "key_type"):
        return [(_unpacked(entry["key"]), _unpacked(entry["value"])) for entry in scalar.values]
    if hasattr(kind, "value_type"):
        return list(map(_unpacked, scalar.values))
    if kind.num_fields:
        return {kind.field(at).name: _unpacked(scalar[at]) for at in range(kind.num_fields)}
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return str(scalar.cast("string").as_py())


def _number(value: Any, said: Callable[[Any], str]) -> tuple[str | None, bytes]:
    if value is None:
        return None, b"null"
    text = said(value)
    is_json = text not in ("nan", "inf", "-inf")
    return text, text.encode() if is_json else json.dumps(text).encode()


def _quoted(value: Any, said: Callable[[Any], str]) -> tuple[str | None, bytes]:
    if value is None:
        return None, b"null"
    text = said(value)
    return text, json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogateescape")


def _text(value: Any) -> str:
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _moment(ticks: int, unit: str) -> str:
    """A time as its ticks since 1970 say it; with as many decimals as its unit has."""
    seconds, rest = divmod(ticks, _PER_SECOND[unit])
    digits = len(str(_PER_SECOND[unit])) - 1
    try:
        at = (_EPOCH + timedelta(seconds=seconds)).isoformat(" ")
    except OverflowError:
        return f"<value out of range: {ticks}>"
    return f"{at}.{rest:0{digits}d}" if digits else at


def _clock(ticks: int, digits: int) -> str:
    seconds, rest = divmod(ticks, 10**digits)
    at = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{at}.{rest:0{digits}d}" if digits else at


def _single(value: float, bits: int) -> str:
    """The shortest text that is the same number of 32 bits; a whole number has all of its digits."""
    if bits == 16 or not math.isfinite(value) or _is_whole(value):
        return _float(value)
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        try:
            same = struct.unpack("f", struct.pack("f", float(text)))[0] == value
        except OverflowError:
            continue
        if same:
            return _float(float(text))
    return _float(value)


def _is_whole(value: float) -> bool:
    return value == int(value) and abs(value) < 2**53


def _float(value: float) -> str:
    if not math.isfinite(value):
        return {math.inf: "inf", -math.inf: "-inf"}.get(value, "nan")
    if _is_whole(value):
        return str(int(value))
    number = Decimal(repr(value)).normalize()
    sign, digits, exponent = number.as_tuple()
    power = len(digits) + int(exponent) - 1
    if -6 <= power < 10:
        return f"{number:f}"
    first, more = str(digits[0]), "".join(map(str, digits[1:]))
    return f"{'-' if sign else ''}{first}{'.' if more else ''}{more}e{'+' if power >= 0 else '-'}{abs(power)}"


def _json(value: Any, kind: Any) -> str:
    if isinstance(value, dict):
        kinds = {kind.field(at).name: kind.field(at).type for at in range(kind.num_fields)}
        inner = ((name, _json(item, kinds[name])) for name, item in value.items())
        return "{" + ", ".join(f"{_string(name)}: {text}" for name, text in inner) + "}"
    if isinstance(value, list) and hasattr(kind, "key_type"):  # a map
        members = {_key(key): _json(item, kind.item_type) for key, item in value}
        return "{" + ", ".join(f"{_string(key)}: {text}" for key, text in members.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(_json(item, kind.value_type) for item in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, float):
        return _float(value) if math.isfinite(value) else _string(_float(value))
    return _string(_key(value))


def _key(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(' ')}Z"
        return value.isoformat(" ")
    return str(value)


def _string(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
