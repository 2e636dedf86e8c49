"""Which rows may be duplicates, told from memory: a Bloom filter over the identities of stored events.

A row that the filter does not know, at a time of which the filter knows everything, is new and goes straight into
`events`. A wrong "may be" (one in some thousands) costs a detour through staging; a wrong "new" can only come where
another program wrote to `events`, and there the unique key tells.

The filter is a blocked one (Putze, Sanders, Singler 2007): the four bits of a key lie in one word of 64.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from spark.handover.keys import Keys

Mask = npt.NDArray[np.bool_]
Times = npt.NDArray[np.int64]

LAYERS = (1 << 18, 1 << 20, 1 << 22, 1 << 24)  # words of 8 bytes; the next one begins where one is full
KEYS_PER_WORD = 2
MAX_KEYS_PER_WORD = 6  # in the last layer: beyond, a tenth of all new rows would seem known
BITS = 4
EVER_SINCE = -(1 << 63)  # earlier than any time

_SIX, _MASK = np.uint64(6), np.uint64(63)
_ONE = np.uint64(1)


@dataclass
class Layer:
    """A filter of a fixed size."""

    words: npt.NDArray[np.uint64]
    keys: int = 0

    def add(self, keys: Keys) -> None:
        at, bits = self._places(keys)
        np.bitwise_or.at(self.words, at, bits)
        self.keys += len(keys)

    def has(self, keys: Keys) -> Mask:
        at, bits = self._places(keys)
        found: Mask = (self.words[at] & bits) == bits
        return found

    def _places(self, keys: Keys) -> tuple[npt.NDArray[np.int64], Keys]:
        """The word of each key, and its bits in it."""
        at = (keys & np.uint64(len(self.words) - 1)).astype(np.int64)
        bits = np.zeros(len(keys), np.uint64)
        rest = keys >> np.uint64(64 - 6 * BITS)
        for _ in range(BITS):
            bits |= _ONE << (rest & _MASK)
            rest >>= _SIX
        return at, bits


def empty_layer(number: int) -> Layer:
    return Layer(np.zeros(LAYERS[number], np.uint64))


@dataclass
class KnownKeys:
    """The identities that were stored, but for events of the times `unknown` (from, to; microseconds since 1970)."""

    unknown: list[tuple[int, int]] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=lambda: [empty_layer(0)])
    newest: int = EVER_SINCE  # time of any row that was asked about

    def __len__(self) -> int:
        return sum(layer.keys for layer in self.layers)

    def seen_before(self, keys: Keys, times: Times) -> Mask:
        """Which of the rows may be stored, or have been asked about before; from now on all of them are known."""
        seen = np.zeros(len(keys), bool)
        self.newest = max(self.newest, int(times.max(initial=EVER_SINCE)))
        for layer in self.layers:
            seen |= layer.has(keys)
        self._add(keys[~seen])
        for start, end in self.unknown:
            seen |= (times >= start) & (times <= end)
        return seen

    def _add(self, keys: Keys) -> None:
        last = self.layers[-1]
        if len(self.layers) == len(LAYERS) and last.keys > MAX_KEYS_PER_WORD * len(last.words):
            # Too many to tell apart: begin anew. What is stored by now is unknown from here on.
            latest = max([self.newest, *(end for _, end in self.unknown)])
            self.layers, self.unknown = [empty_layer(0)], [(EVER_SINCE, latest)]
        elif len(self.layers) < len(LAYERS) and last.keys > KEYS_PER_WORD * len(last.words):
            self.layers.append(empty_layer(len(self.layers)))
        self.layers[-1].add(keys)
