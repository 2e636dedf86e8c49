"""What is known of stored events: never is a stored row said to be new, however full the filter is."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark.sink.known_keys import EVER_SINCE, KEYS_PER_WORD, LAYERS, KnownKeys

KEY = st.integers(0, 2**64 - 1) | st.integers(0, 40)


def ask(known: KnownKeys, keys: list[int], times: list[int]) -> list[bool]:
    found: list[bool] = known.seen_before(np.array(keys, np.uint64), np.array(times, np.int64)).tolist()
    return found


@settings(deadline=None)
@given(
    st.lists(st.lists(st.tuples(KEY, st.integers(0, 50)), max_size=30), max_size=25),
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=2),
    st.sampled_from([(1,), (1, 2), (1, 2, 4, 8), (16, 64)]),
)
def test_what_was_asked_about_before_is_never_new(
    batches: list[list[tuple[int, int]]], unknown: list[tuple[int, int]], layers: tuple[int, ...]
) -> None:
    """The last layers are so small that much is forgotten: by the times, too, what was forgotten may be stored."""
    with patch("spark.sink.known_keys.LAYERS", layers):
        known = KnownKeys(list(unknown))
        asked: dict[int, set[int]] = {}
        for batch in batches:
            keys, times = [key for key, _ in batch], [time for _, time in batch]
            seen = ask(known, keys, times)
            for (key, time), is_seen in zip(batch, seen, strict=True):
                if time in asked.get(key, ()) or any(start <= time <= end for start, end in unknown):
                    assert is_seen
            for key, time in batch:
                asked.setdefault(key, set()).add(time)


@pytest.mark.parametrize("layers", [LAYERS, (64, 256, 1024)])
def test_few_new_rows_are_thought_known(layers: tuple[int, ...]) -> None:
    random = np.random.default_rng(7)
    with patch("spark.sink.known_keys.LAYERS", layers):
        known = KnownKeys()
        keys = random.integers(0, 2**64 - 1, 2_000, np.uint64)
        times = np.zeros(50, np.int64)
        wrong = sum(known.seen_before(portion, times).sum() for portion in keys.reshape(-1, 50))
        assert wrong < len(keys) * 0.02
        assert all(known.seen_before(portion, times).all() for portion in keys.reshape(-1, 50))


def test_a_layer_that_is_full_is_followed_by_a_larger_one_and_still_asked() -> None:
    random = np.random.default_rng(7)
    with patch("spark.sink.known_keys.LAYERS", (8, 1 << 12)):
        known = KnownKeys()
        first = random.integers(0, 2**64 - 1, 8 * KEYS_PER_WORD + 1, np.uint64)
        times = np.zeros(2_000, np.int64)
        known.seen_before(first, times[: len(first)])
        second = random.integers(0, 2**64 - 1, 2_000, np.uint64)
        known.seen_before(second, times)
        assert len(known.layers) == 2
        assert known.seen_before(
            np.concatenate((first, second)), np.zeros(len(first) + 2_000, np.int64)
        ).all()
        assert known.unknown == []


def test_what_is_forgotten_is_unknown_up_to_its_newest_time() -> None:
    with patch("spark.sink.known_keys.LAYERS", (1,)):
        known = KnownKeys()
        ask(known, list(range(1 << 40, (1 << 40) + 200)), list(range(200)))
        assert known.unknown == []
        ask(known, [7], [90])  # one more than may be: all before is forgotten
        assert known.unknown == [(EVER_SINCE, 199)]
        assert len(known) <= 1
        assert ask(known, [1 << 50, 1 << 51], [199, 200]) == [True, False]


def test_times_that_were_unknown_stay_so_when_earlier_ones_are_forgotten() -> None:
    """A stream that reads history, older than what is stored without being known."""
    with patch("spark.sink.known_keys.LAYERS", (1,)):
        known = KnownKeys([(500, 600)])
        ask(known, list(range(1 << 40, (1 << 40) + 200)), list(range(200)))
        ask(known, [7], [90])
        assert ask(known, [1 << 50, 1 << 51, 1 << 52], [199, 550, 601]) == [True, True, False]
