"""Hashes of events' identities (event_id and event_time), by which rows that may be duplicates are told apart.

Equal identities have equal hashes; different ones differ but for one in 2^64. The unique key of `events` stays the
judge.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Keys = npt.NDArray[np.uint64]

# Odd constants of splitmix64 (Steele, Lea, Flood 2014), whose finalizer mixes the bits.
_HIGH, _LOW, _TIME = (np.uint64(c) for c in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def halves(ids: pa.FixedSizeBinaryArray) -> tuple[Keys, Keys]:
    """Each id as two numbers, of which the first is compared first."""
    start = ids.offset * 16
    words = np.frombuffer(ids.buffers()[1], ">u8", count=len(ids) * 2, offset=start).astype(np.uint64)
    return words[0::2], words[1::2]


def identity_keys(ids: pa.FixedSizeBinaryArray, times: pa.TimestampArray) -> Keys:
    """A hash of each row's identity."""
    high, low = halves(ids)
    micros = times.cast(pa.int64()).to_numpy().view(np.uint64)
    # Turned against each other: in a product by an odd number the highest bit depends on the highest bit alone.
    keys = high * _HIGH ^ _turned(low * _LOW, 32) ^ _turned(micros * _TIME, 16)
    keys ^= keys >> np.uint64(30)
    keys *= _LOW
    keys ^= keys >> np.uint64(27)
    keys *= _TIME
    keys ^= keys >> np.uint64(31)
    return keys


def _turned(keys: Keys, bits: int) -> Keys:
    return keys << np.uint64(bits) | keys >> np.uint64(64 - bits)


def repeats(keys: Keys) -> npt.NDArray[np.bool_]:
    """Which keys stand before in `keys` already."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    again = np.zeros(len(keys), bool)
    again[order[1:][ordered[1:] == ordered[:-1]]] = True
    return again
