"""Numbers of identical rows: the n-th is number n, in whatever portions keys come and counts are kept."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.source.occurrences import OccurrenceCounts, OccurrencesOfFiles

KEYS = st.lists(st.lists(st.integers(0, 6) | st.integers(0, 2**64 - 1), max_size=15), max_size=12)


def array(keys: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(keys, np.uint64)


def expected(portions: list[list[int]]) -> list[list[int]]:
    counts: Counter[int] = Counter()
    found = []
    for portion in portions:
        numbers = []
        for key in portion:
            counts[key] += 1
            numbers.append(counts[key])
        found.append(numbers)
    return found


@given(KEYS)
def test_each_key_is_numbered_among_its_equals(portions: list[list[int]]) -> None:
    counts = OccurrenceCounts()
    assert [counts.numbers(array(keys)).tolist() for keys in portions] == expected(portions)


@given(KEYS)
def test_counts_go_on_where_they_were_kept(
    tmp_path_factory: pytest.TempPathFactory, portions: list[list[int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "kept" / "1-5.counts"
    counts = OccurrenceCounts()
    found = []
    for keys in portions:
        found.append(counts.numbers(array(keys)).tolist())
        counts.save(path)
        loaded = OccurrenceCounts.load(path)
        assert loaded is not None
        counts = loaded
    assert found == expected(portions)


def test_counts_grow_with_the_different_keys_and_in_few_runs() -> None:
    counts = OccurrenceCounts()
    for start in range(0, 10_000, 10):
        counts.numbers(array(list(range(start, start + 10))))
        counts.numbers(array([1, 2, 3]))
    sizes = [len(keys) for keys, _ in counts._runs]
    assert len(sizes) < 12
    assert 10_000 <= sum(sizes) < 10_100


@pytest.mark.parametrize("damage", ["missing", "cut", "noise"])
def test_counts_that_are_damaged_are_none(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "1-5.counts"
    counts = OccurrenceCounts()
    counts.numbers(array([1, 2, 3]))
    counts.save(path)
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-3])
    else:
        path.write_bytes(b"noise" * 50)
    assert OccurrenceCounts.load(path) is None


def test_a_file_over_several_batches_is_counted_through_and_forgotten_at_its_end(tmp_path: Path) -> None:
    first = OccurrencesOfFiles(tmp_path)
    first.begin(7)
    assert first.numbers(array([1, 1])).tolist() == [1, 2]
    first.end(100, is_last=False)
    assert first.goes_on(7, 100)
    assert not first.goes_on(7, 99)
    assert not first.goes_on(8, 100)
    first.keep()
    second = OccurrencesOfFiles(tmp_path)
    second.begin(7)
    assert not second.recall(99)
    assert second.recall(100)
    assert second.numbers(array([1, 2])).tolist() == [3, 1]
    second.end(200, is_last=True)
    assert not second.goes_on(7, 200)
    assert list(tmp_path.iterdir()) == []
    second.keep()
    assert list(tmp_path.iterdir()) == []


def test_another_file_begins_at_one(tmp_path: Path) -> None:
    files = OccurrencesOfFiles(None)
    files.begin(7)
    files.numbers(array([1]))
    files.end(100, is_last=False)
    files.keep()
    assert not files.recall(100)
    files.begin(8)
    assert files.numbers(array([1])).tolist() == [1]
