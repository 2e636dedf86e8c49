"""Which rows may be duplicates, told from memory: a Bloom filter over the identities of stored events.

A row that the filter does not know and that is no older than what the filter knows nothing of is new, and goes
straight into `events`. A wrong "may be" (one in some thousands) costs a detour through staging, a wrong "new" cannot
be as long as the filter holds what it says, and where it does not (another program wrote to `events`), the unique key
tells.

The filter is a blocked one (Putze, Sanders, Singler 2007): the four bits of a key lie in one word of 64.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spark.sink.keys import Keys

Mask = npt.NDArray[np.bool_]

LAYERS = (1 << 18, 1 << 20, 1 << 22, 1 << 24)  # words of 8 bytes; the next one begins where one is full
KEYS_PER_WORD = 2
MAX_KEYS_PER_WORD = 8  # in the last layer: beyond, half of all rows would seem known
BITS = 4

_SIX, _MASK = np.uint64(6), np.uint64(63)
_ONE = np.uint64(1)


class _Layer:
    def __init__(self, words: int) -> None:
        self.words = np.zeros(words, np.uint64)
        self.keys = 0

    def places(self, keys: Keys) -> tuple[npt.NDArray[np.int64], Keys]:
        """The word of each key, and its bits in it."""
        at = (keys & np.uint64(len(self.words) - 1)).astype(np.int64)
        bits = np.zeros(len(keys), np.uint64)
        rest = keys >> np.uint64(64 - 6 * BITS)
        for _ in range(BITS):
            bits |= _ONE << (rest & _MASK)
            rest >>= _SIX
        return at, bits

    def add(self, keys: Keys) -> None:
        at, bits = self.places(keys)
        np.bitwise_or.at(self.words, at, bits)
        self.keys += len(keys)

    def has(self, keys: Keys) -> Mask:
        at, bits = self.places(keys)
        found: Mask = (self.words[at] & bits) == bits
        return found


class KnownKeys:
    """The identities of the events that this process has seen; of older ones, only up to which time there are any."""

    def __init__(self, unknown_until_us: int | None) -> None:
        """`unknown_until_us`: events up to this time may be stored without being known here; `None`: there are none."""
        self.unknown_until_us = unknown_until_us
        self._layers = [_Layer(LAYERS[0])]
        self._newest_us: int | None = None

    def __len__(self) -> int:
        return sum(layer.keys for layer in self._layers)

    def seen_before(self, keys: Keys, times: npt.NDArray[np.int64]) -> Mask:
        """Which of the rows may be stored, or have been asked about before; from now on all of them are known."""
        seen = np.zeros(len(keys), bool)
        if self.unknown_until_us is not None:
            seen |= times <= self.unknown_until_us
        for layer in self._layers:
            seen |= layer.has(keys)
        self._add(keys[~seen], times)
        return seen

    def _add(self, keys: Keys, times: npt.NDArray[np.int64]) -> None:
        if len(times):
            newest = int(times.max())
            self._newest_us = newest if self._newest_us is None else max(newest, self._newest_us)
        last = self._layers[-1]
        if len(self._layers) == len(LAYERS):
            if last.keys > MAX_KEYS_PER_WORD * len(last.words):
                self.unknown_until_us, self._layers = self._newest_us, [_Layer(LAYERS[0])]
        elif last.keys > KEYS_PER_WORD * len(last.words):
            self._layers.append(_Layer(LAYERS[len(self._layers)]))
        self._layers[-1].add(keys)
