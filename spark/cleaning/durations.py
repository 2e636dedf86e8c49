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
    "ns": (1, 1_000),
}
MOST = 10**17  # microseconds, some 3,000 years: the sums of many of them stay within 64 bits
_NUMBER = r"^(?P<sign>[+-]?)(?P<whole>[0-9]{1,18})(?:\.(?P<fraction>[0-9]{0,6})[0-9]{0,30})?$"


def read_durations(column: pa.StringArray, unit: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Microseconds, and which texts are numbers: digits with a sign or a fraction. What is finer is cut off."""
    parts = pc.extract_regex(column, _NUMBER)
    valid = parts.is_valid().to_numpy(zero_copy_only=False)
    whole = _integers(pc.struct_field(parts, "whole"))
    fraction = _integers(pc.utf8_rpad(pc.struct_field(parts, "fraction"), 6, "0"))
    factor, divisor = _FACTORS[unit]
    valid &= whole <= MOST // factor * divisor
    whole = np.where(valid, whole, 0)
    found = whole * factor // divisor + fraction * factor // (1_000_000 * divisor)
    negative = pc.fill_null(pc.equal(pc.struct_field(parts, "sign"), "-"), False).to_numpy(
        zero_copy_only=False
    )
    return np.where(negative, -found, found), valid


def _integers(digits: pa.StringArray) -> npt.NDArray[np.int64]:
    found: npt.NDArray[np.int64] = pc.fill_null(pc.cast(digits, pa.int64()), 0).to_numpy()
    return found
