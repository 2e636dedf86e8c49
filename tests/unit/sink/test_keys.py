"""Hashes of identities: equal ones are equal wherever they stand, and repeats are all but the first."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from spark.handover.keys import halves, identity_keys, repeats

identities = st.tuples(st.binary(min_size=16, max_size=16), st.integers(-(2**62), 2**62))


def columns(rows: list[tuple[bytes, int]]) -> tuple[pa.FixedSizeBinaryArray, pa.TimestampArray]:
    ids = pa.array([row[0] for row in rows], pa.binary(16))
    return ids, pa.array([row[1] for row in rows], pa.timestamp("us", "UTC"))


@given(st.lists(identities, min_size=1, max_size=20), st.data())
def test_an_identity_has_one_key_wherever_in_a_column_it_stands(
    rows: list[tuple[bytes, int]], data: st.DataObject
) -> None:
    ids, times = columns(rows)
    keys = identity_keys(ids, times)
    start = data.draw(st.integers(0, len(rows) - 1))
    assert identity_keys(ids[start:], times[start:]).tolist() == keys[start:].tolist()
    for row, key in zip(rows, keys.tolist(), strict=True):
        assert identity_keys(*columns([row])).tolist() == [key]


def test_identities_that_differ_in_one_bit_have_other_keys() -> None:
    rows = [(bytes(16), 0)]
    rows += [((1 << bit).to_bytes(16, "big"), 0) for bit in range(128)]
    rows += [(bytes(16), 1 << bit) for bit in range(62)]
    keys = identity_keys(*columns(rows))
    assert len(set(keys.tolist())) == len(rows)


@given(st.lists(st.integers(0, 5), max_size=20))
def test_a_key_repeats_where_it_stood_before(found: list[int]) -> None:
    seen: Counter[int] = Counter()
    expected = []
    for key in found:
        expected.append(seen[key] > 0)
        seen[key] += 1
    assert repeats(np.array(found, np.uint64)).tolist() == expected


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=20))
def test_the_halves_sort_as_the_ids_do(ids: list[bytes]) -> None:
    high, low = halves(pa.array(ids, pa.binary(16)))
    pairs = list(zip(high.tolist(), low.tolist(), strict=True))
    assert sorted(range(len(ids)), key=lambda at: ids[at]) == sorted(
        range(len(ids)), key=lambda at: pairs[at]
    )
