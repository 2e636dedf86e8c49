"""Records of JSON lines, split into the texts of their columns: an object a line, a key a column.

msgspec reads the usual object; what it refuses, and where it would change a number (-0 is no integer), is read again
by Python's own reader, which has the last word. That takes 7 µs for an object of eight members, and msgspec 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.mapping.source_mapping import MAX_COLUMNS
from spark.reading.fields import Columns, Split
from spark.reading.flags import Flag
from spark.reading.json_values import DECODER, TooDeepError, json_text
from spark.reading.regular_records import buffer_of

MAX_KEY_CHARACTERS = 1_000

_UNNAMEABLE = re.compile(r'[\x00-\x1f"\\]')  # of no field of msgspec's structs
_MINUS_ZERO = re.compile(rb"-0[\s,\]}]")  # or a text that looks like it, which only costs time
_REFUSED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_TEXTS = {str, bytes, type(None)}
_INTEGERS = {int, type(None)}


@dataclass(frozen=True)
class _Reader:
    """Reads the objects whose keys are `names`."""

    decode: Callable[[bytes], Any]
    decode_lines: Callable[[bytes], Any]
    made: Callable[[dict[str, Any]], Any]  # the same out of a dict
    getters: Sequence[Callable[[Any], Any]]  # by the position of the column


@lru_cache(64)
def _reader(names: tuple[str, ...]) -> _Reader:
    if any(map(_UNNAMEABLE.search, names)):
        return _reader_of_dicts(names)
    own = [f"f{at}" for at in range(len(names))]
    kind = msgspec.defstruct(
        "Row",
        [(name, Any, msgspec.field(default=None)) for name in own],
        rename=dict(zip(own, names, strict=True)),
        forbid_unknown_fields=True,
        gc=False,
    )
    decoder = msgspec.json.Decoder(kind, float_hook=str.encode)
    by_name = dict(zip(names, own, strict=True))
    return _Reader(
        decoder.decode,
        decoder.decode_lines,
        lambda found: kind(**{by_name[name]: value for name, value in found.items()}),
        [attrgetter(name) for name in own],
    )


def _reader_of_dicts(names: tuple[str, ...]) -> _Reader:
    known = frozenset(names)
    decoder = msgspec.json.Decoder(dict[str, Any], float_hook=str.encode)

    def checked(row: dict[str, Any]) -> dict[str, Any]:
        if not row.keys() <= known:
            raise msgspec.ValidationError("an unknown key")
        return row

    def getter(name: str) -> Callable[[Any], Any]:
        return lambda row: row.get(name)

    return _Reader(
        lambda line: checked(decoder.decode(line)),
        lambda lines: [checked(row) for row in decoder.decode_lines(lines)],
        lambda found: found,
        [getter(name) for name in names],
    )


def split_objects(values: pa.BinaryArray, is_candidate: npt.NDArray[np.bool_], columns: Columns) -> Split:
    """As `fields.split_records`. A record that is no object of known keys has a flag."""
    reader = _reader(columns.names)
    flags = np.zeros(len(values), np.int8)
    nothing = reader.made({})
    rows: list[Any] = [nothing] * len(values)
    is_quick = _MINUS_ZERO.search(buffer_of(values)) is None
    for at, line in enumerate(values.to_pylist()):
        if not is_candidate[at]:
            continue
        try:
            if is_quick:
                rows[at] = reader.decode(line)
                continue
        except _REFUSED:
            pass
        found = exact_object(line)
        if isinstance(found, Flag):
            flags[at] = found
        elif found.keys() <= set(columns.names):
            rows[at] = reader.made(found)
        else:
            flags[at] = Flag.UNKNOWN_KEY
    texts = {at: _texts(list(map(reader.getters[at], rows)), flags) for at in columns.positions}
    ok = is_candidate & (flags == Flag.NONE)
    if flags.any():
        good = pa.array(flags == Flag.NONE)
        texts = {at: pc.if_else(good, column, pa.scalar(None, pa.string())) for at, column in texts.items()}
    return Split(ok, texts, flags)


def _texts(values: list[Any], flags: npt.NDArray[np.int8]) -> pa.StringArray:
    """The texts of a column; rows without one that can be stored are flagged."""
    kinds = set(map(type, values))
    column = _integers(values) if kinds <= _INTEGERS else None
    if column is not None:
        return column
    if not kinds <= _TEXTS:
        for at, value in enumerate(values):
            if type(value) is int:
                values[at] = str(value)
            elif type(value) not in _TEXTS:
                try:
                    values[at] = json_text(value, 1)
                except TooDeepError:
                    values[at], flags[at] = None, Flag.NOT_JSON
    column = pa.array(values, pa.string())
    if b"\0" in buffer_of(column):
        holds = pc.fill_null(pc.match_substring(column, "\0"), False).to_numpy(zero_copy_only=False)
        flags[holds & (flags == Flag.NONE)] = Flag.NUL_BYTE
    is_empty = pc.equal(pc.binary_length(column), 0)
    return pc.if_else(is_empty, pa.scalar(None, pa.string()), column) if pc.any(is_empty).as_py() else column


def _integers(values: list[Any]) -> pa.StringArray | None:
    """The digits of integers; None where one has more than 64 bits."""
    try:
        return pa.array(values, pa.int64()).cast(pa.string())
    except (OverflowError, pa.ArrowInvalid):
        return None


def exact_object(line: bytes) -> dict[str, Any] | Flag:
    """The members of an object, numbers as bytes; a flag where it is none, or has a text that cannot be stored."""
    try:
        found = DECODER.decode(line.decode())
        if not isinstance(found, dict):
            return Flag.NO_OBJECT
        json_text(found).encode()
    except UnicodeError:  # half of a surrogate pair
        return Flag.INVALID_UTF8
    except (ValueError, RecursionError, TooDeepError):
        return Flag.NOT_JSON
    texts = (*found, *(value for value in found.values() if isinstance(value, str)))
    return Flag.NUL_BYTE if any("\0" in text for text in texts) else found


class Keys:
    """The keys of the objects of a file, of which it is given all lines."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._reader = _reader(())

    @property
    def names(self) -> tuple[str, ...]:
        """In the order of the alphabet: that of a file's rows is chance."""
        return tuple(sorted(self._names))

    def see(self, data: bytes | memoryview) -> None:
        """Look at whole lines."""
        lines = bytes(data)
        try:
            self._reader.decode_lines(lines)
        except _REFUSED:
            for line in lines.split(b"\n"):
                self._see_line(line)

    def _see_line(self, line: bytes) -> None:
        try:
            self._reader.decode(line)
        except _REFUSED:
            found = exact_object(line)
            if isinstance(found, Flag):
                return
            fit = [name for name in found if len(name) <= MAX_KEY_CHARACTERS and name not in self._names]
            new = fit[: MAX_COLUMNS - len(self._names)]
            if new:
                self._names.update(new)
                self._reader = _reader(self.names)
