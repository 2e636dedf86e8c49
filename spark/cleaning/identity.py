"""Which event a row is: its UUID, or a UUIDv5 (RFC 9562, section 5.5) of its id's text or of its values.

An id that is no UUID becomes the UUIDv5 of its text. A row without any id becomes the UUIDv5 of its seven cleaned
values, so that rows identical in all of them are one event; where identical rows of a file shall be kept apart, the
second one and those after it get their number in the file as an eighth value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream_assets.contract import NAMESPACE
from spark.cleaning.texts import bytes_of

Ids = npt.NDArray[np.uint8]  # 16 bytes per row

SEPARATOR = "\x1f"  # the unit separator of ASCII
NO_VALUE = "\x00"  # cannot occur in a value: lines with NUL are rejected

_LENGTH = 36
_DASHES = (8, 13, 18, 23)
_NO_HEX = 0xFFFF
# Two hexadecimal digits, as they lie in memory, to the byte that they say.
_BYTE = np.full(1 << 16, _NO_HEX, np.uint16)
_DIGITS = "0123456789abcdefABCDEF"
_PAIRS = [(first + second).encode() for first in _DIGITS for second in _DIGITS]
_BYTE[np.frombuffer(b"".join(_PAIRS), np.uint16)] = [int(pair, 16) for pair in _PAIRS]


def read_uuids(column: pa.StringArray) -> tuple[Ids, npt.NDArray[np.bool_]]:
    """The ids of a column, and which of the texts are UUIDs in their usual notation."""
    rows = len(column)
    ids = np.zeros((rows, 16), np.uint8)
    bounds, data = bytes_of(column)
    is_uuid = np.diff(bounds) == _LENGTH
    if not is_uuid.any():
        return ids, is_uuid
    starts = bounds[:-1][is_uuid]
    if starts[-1] - starts[0] == (len(starts) - 1) * _LENGTH:
        text = data[starts[0] : starts[0] + len(starts) * _LENGTH].reshape(-1, _LENGTH)
    else:
        text = data[starts[:, None] + np.arange(_LENGTH)]
    digits = _without_dashes(text)
    values = _BYTE[digits.view(np.uint16)]
    good = (values != _NO_HEX).all(axis=1) & (text[:, _DASHES] == ord("-")).all(axis=1)
    is_uuid[is_uuid] = good
    ids[is_uuid] = values[good]
    return ids, is_uuid


def _without_dashes(text: Ids) -> Ids:
    digits = np.empty((len(text), 32), np.uint8)
    start = at = 0
    for dash in (*_DASHES, _LENGTH):
        digits[:, at : at + dash - start] = text[:, start:dash]
        start, at = dash + 1, at + dash - start
    return digits


def name_uuids(names: Iterable[bytes]) -> Ids:
    """The UUIDv5 of each name."""
    prefix, sha1 = NAMESPACE.bytes, hashlib.sha1
    joined = b"".join([sha1(prefix + name, usedforsecurity=False).digest()[:16] for name in names])
    ids = np.frombuffer(joined, np.uint8).reshape(-1, 16).copy()
    ids[:, 6] = ids[:, 6] & 0x0F | 0x50
    ids[:, 8] = ids[:, 8] & 0x3F | 0x80
    return ids


def joined_values(values: list[pa.StringArray]) -> list[bytes]:
    """What the identity of each row without an id is made of: its cleaned values, the time in microseconds since 1970
    and the price with ten decimals."""
    joined = pc.binary_join_element_wise(
        *values, SEPARATOR, null_handling="replace", null_replacement=NO_VALUE
    )
    found: list[bytes] = joined.cast(pa.binary()).to_pylist()
    return found


def named_values(name: str, values: pa.StringArray) -> pa.StringArray:
    """Values of a column that is part of the identity besides the fields, with its name."""
    return pc.binary_join_element_wise(name, values, "=")


def numbered(name: bytes, occurrence: int) -> bytes:
    """The name of the row that is number `occurrence` (from 2 on) among the identical ones of its file."""
    return name + SEPARATOR.encode() + str(occurrence).encode()
