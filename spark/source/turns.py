"""Sources take turns: which waiting chunks form the next micro-batch where several sources have some. Decisions only.

A micro-batch is a range of sequence numbers. Where a source gets its turn before chunks of others that were registered
earlier, its chunks get numbers in the gap before those: numbers are given a million apart.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spark.source.micro_batches import BATCH_BYTES, BATCH_CHUNKS, BATCH_ROWS, Waiting, batch_end

Queues = Mapping[str, Sequence[Waiting]]

# A file that lands while a micro-batch runs waits for its end. Where nobody but the owner of a backlog would wait,
# micro-batches are larger, which costs less.
SHARED = 4


@dataclass(frozen=True)
class Limits:
    """What a micro-batch has at most."""

    rows: int = BATCH_ROWS
    bytes: int = BATCH_BYTES
    chunks: int = BATCH_CHUNKS

    def shared(self) -> Limits:
        """The same where several sources are in force."""
        return Limits(max(1, self.rows // SHARED), max(1, self.bytes // SHARED), self.chunks)

    def share(self, chunk: Waiting) -> float:
        """How much of a micro-batch a chunk takes."""
        return max(chunk.records / self.rows, chunk.byte_length / self.bytes, 1 / self.chunks)


@dataclass(frozen=True)
class Range:
    """The micro-batch of the chunks up to `upto`, once those in `moves` have their new numbers."""

    upto: int
    moves: Mapping[int, int]

    def sources(self, queues: Queues) -> list[str]:
        """Those that have a chunk in it."""
        return [
            source
            for source, queue in queues.items()
            if queue and self.moves.get(queue[0].seq, queue[0].seq) <= self.upto
        ]


def next_range(
    queues: Queues, limits: Limits, served: Mapping[str, int], most: int, after: int
) -> Range | None:
    """The next micro-batch, behind `after`, out of the chunks waiting by source; None: none waits.

    `served`: the number of the micro-batch in which a source had its turn last. `most`: a queue of so many chunks may
    go on.
    """
    found = as_range(in_turn(queues, limits, served), queues, most, after)
    if found is not None:
        return found
    # Registered before an upgrade, without gaps: one after the other.
    first = sorted((chunk for queue in queues.values() for chunk in queue), key=lambda chunk: chunk.seq)
    end = batch_end(first, limits.rows)
    return None if end is None else Range(end, {})


def in_turn(queues: Queues, limits: Limits, served: Mapping[str, int]) -> list[Waiting]:
    """Each queue in its order; it is always the turn of the source that has the least so far.

    Of several, of the one that was served longest ago, so that each comes first at some time, however many they are.
    What a source does not use is left to the others.
    """
    chosen: list[Waiting] = []
    rows = size = 0
    turns = [
        (0.0, served.get(source, 0), queue[0].seq, source, 0) for source, queue in queues.items() if queue
    ]
    heapq.heapify(turns)
    while turns and len(chosen) < limits.chunks:
        used, last, _, source, at = heapq.heappop(turns)
        chunk = queues[source][at]
        rows, size = rows + chunk.records, size + chunk.byte_length
        if chosen and (rows > limits.rows or size > limits.bytes):
            break
        chosen.append(chunk)
        if at + 1 < len(queues[source]):
            following = queues[source][at + 1]
            heapq.heappush(turns, (used + limits.share(chunk), last, following.seq, source, at + 1))
    return chosen


def as_range(chosen: Sequence[Waiting], queues: Queues, most: int, after: int) -> Range | None:
    """The range behind `after` that holds the chosen chunks, and no other one.

    Where there are too few numbers left before those that wait, the last of the chosen wait, too; None: all of them.
    """
    if not chosen:
        return None
    taken = {chunk.seq for chunk in chosen}
    left = [chunk.seq for queue in queues.values() for chunk in queue if chunk.seq not in taken]
    left += [queue[-1].seq + 1 for queue in queues.values() if len(queue) >= most]
    if not left:
        return Range(max(taken), {})
    first_left = min(left)
    last_before = max((seq for seq in taken if seq < first_left), default=after)
    later = sorted(seq for seq in taken if seq > first_left)[: first_left - last_before - 1]
    moves = {seq: last_before + number for number, seq in enumerate(later, 1)}
    return Range(last_before + len(moves), moves) if last_before + len(moves) > after else None
