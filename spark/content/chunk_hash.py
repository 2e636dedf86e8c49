"""The hash by which a task knows that it reads the bytes that were registered."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator


class ChunkHash:
    """SHA-256 over the head of a file (all before its first record) and the bytes of one of its chunks.

    Both are of the decompressed content. Intake notes it, and whoever reads the chunk compares: size and modification
    time can be the same although the bytes are not. SHA-256 is the quickest of the safe ones where the processor has
    instructions for it (1.8 GB/s against 0.9 of BLAKE2b).
    """

    def __init__(self, head: bytes) -> None:
        self._digest = hashlib.sha256(head)

    def update(self, data: bytes | memoryview) -> None:
        self._digest.update(data)

    def through(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Pass `blocks` on, and take them in."""
        for block in blocks:
            self._digest.update(block)
            yield block

    def value(self) -> bytes:
        return self._digest.digest()
