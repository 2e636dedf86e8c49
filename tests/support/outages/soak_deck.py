"""Which fault comes next: a shuffled deck of all kinds, so that each comes once before any comes again.

Drawn independently, some kinds would not come for an hour.
"""

from __future__ import annotations

import random
from collections.abc import Sequence


class Deck:
    """Cards in random order; shuffled anew when all are drawn. The same `chance` gives the same order."""

    def __init__(self, cards: Sequence[str], chance: random.Random) -> None:
        self._cards = list(cards)
        self._chance = chance
        self._left: list[str] = []
        self._last = ""

    def draw(self) -> str:
        if not self._left:
            self._left = self._chance.sample(self._cards, len(self._cards))
            if self._left[-1] == self._last:  # not twice in a row
                self._left.reverse()
        self._last = self._left.pop()
        return self._last
