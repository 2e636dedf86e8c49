"""The order of the faults of `make soak`."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

import pytest
from soak_deck import Deck

CARDS = [f"fault {number}" for number in range(22)]


@pytest.mark.parametrize("seed", range(20))
def test_each_fault_comes_once_before_any_comes_again_and_none_twice_in_a_row(seed: int) -> None:
    deck = Deck(CARDS, random.Random(seed))
    drawn = [deck.draw() for _ in range(3 * len(CARDS))]
    for start in range(0, len(drawn), len(CARDS)):
        assert Counter(drawn[start : start + len(CARDS)]) == Counter(CARDS)
    assert all(before != after for before, after in pairwise(drawn))


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    def drawn(seed: int) -> list[str]:
        deck = Deck(CARDS, random.Random(seed))
        return [deck.draw() for _ in range(50)]

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


def test_a_deck_of_one_card_gives_it_each_time() -> None:
    deck = Deck(["only"], random.Random(1))
    assert [deck.draw() for _ in range(3)] == ["only"] * 3
