"""Durations: numbers of a unit, as microseconds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Numerator and denominator: microseconds per unit.
_FACTORS = {
    "d": (86_400_000_000, 1),
    "h": (3_600_000_000, 1),
    "min": (60_000_000, 1),
    "s": (1_000_000, 1),
    "ms": (1_000, 1),
    "us": (1, 1),
    "100ns": (1, 10),  # ticks of .NET
    "ns": (1, 1_000),
}
_AT_ONCE = 6  # digits behind the point
MOST = 10**17  # microseconds, some 3,000 years: the sums of many of them stay within 64 bits
_NUMBER = r"^(?P<sign>[+-]?)(?P<whole>[0-9]{1,18})(?:\.(?P<fraction>[0-9]{0,18})[0-9]{0,18})?$"


def read_durations(column: pa.StringArray, unit: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Microseconds, and which texts are numbers: digits with a sign or a fraction. What is finer is cut off."""
    parts = pc.extract_regex(column, _NUMBER)
    valid = parts.is_valid().to_numpy(zero_copy_only=False)
    whole = _integers(pc.struct_field(parts, "whole"))
    fraction = pc.utf8_rpad(pc.struct_field(parts, "fraction"), 3 * _AT_ONCE, "0")
    factor, divisor = _FACTORS[unit]
    valid &= whole <= MOST // factor * divisor
    whole = np.where(valid, whole, 0)
    below = np.zeros(len(column), np.int64)
    for at in (2, 1, 0):  # of a day, the tenth digit is some microseconds; all of them at once exceed 64 bits
        digits = _integers(pc.utf8_slice_codeunits(fraction, at * _AT_ONCE, (at + 1) * _AT_ONCE))
        below = (digits * factor + below) // 10**_AT_ONCE
    found = whole * factor // divisor + below // divisor
    negative = pc.fill_null(pc.equal(pc.struct_field(parts, "sign"), "-"), False).to_numpy(
        zero_copy_only=False
    )
    return np.where(negative, -found, found), valid


def _integers(digits: pa.StringArray) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = pc.fill_null(pc.cast(digits, pa.int64()), 0).to_numpy()
    return found
