"""Sources take turns in micro-batches, which are ranges of numbers all the same."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from spark.source.micro_batches import Waiting
from spark.source.turns import Limits, in_turn, next_range

STEP = 1_000_000
LIMITS = Limits(rows=1_000, bytes=10_000, chunks=8)

Queues = dict[str, list[Waiting]]


def waiting(first: int, count: int, records: int = 100) -> list[Waiting]:
    return [Waiting((first + at) * STEP, records, records) for at in range(count)]


def moved(
    queues: Queues, limits: Limits, after: int, most: int = 100, served: dict[str, int] | None = None
) -> tuple[Queues, Queues, int]:
    """The chunks of the next micro-batch by source, those that are left, and its end."""
    seen = {source: queue[:most] for source, queue in queues.items()}
    found = next_range(seen, limits, served or {}, most, after)
    if found is None:
        return {}, queues, after
    numbered = {
        source: sorted((replace(c, seq=found.moves.get(c.seq, c.seq)) for c in queue), key=lambda c: c.seq)
        for source, queue in queues.items()
    }
    numbers = [chunk.seq for queue in numbered.values() for chunk in queue]
    assert len(set(numbers)) == len(numbers)
    assert not set(found.moves.values()) & {chunk.seq for queue in queues.values() for chunk in queue}
    taken = {s: [c for c in queue if after < c.seq <= found.upto] for s, queue in numbered.items()}
    left = {s: [c for c in queue if c.seq > found.upto] for s, queue in numbered.items()}
    return taken, left, found.upto


def test_a_file_behind_a_backlog_is_in_the_next_micro_batch() -> None:
    queues = {"shop": waiting(1, 50), "web": waiting(100, 1, records=5)}
    taken, left, _ = moved(queues, LIMITS, after=0)
    assert len(taken["web"]) == 1
    assert len(taken["shop"]) == 7
    assert [chunk.seq for chunk in left["shop"]] == [chunk.seq for chunk in queues["shop"][7:]]


def test_what_a_source_does_not_use_is_left_to_the_others() -> None:
    assert len(in_turn({"shop": waiting(1, 50)}, LIMITS, {})) == LIMITS.chunks
    chosen = in_turn({"shop": waiting(1, 50), "web": waiting(100, 1)}, Limits(1_000, 10_000, 100), {})
    assert len(chosen) == 10


def test_two_backlogs_share_by_rows_and_not_by_files() -> None:
    queues = {"large": waiting(1, 50, records=200), "small": waiting(100, 90, records=10)}
    chosen = in_turn(queues, Limits(1_000, 10_000, 1_000), {})
    rows = {200: 0, 10: 0}
    for chunk in chosen:
        rows[chunk.records] += chunk.records
    assert 300 <= rows[10] <= 600


def test_of_more_sources_than_a_micro_batch_has_chunks_each_has_its_turn_in_time() -> None:
    queues = {f"s{at:02d}": waiting(1 + at * 40, 40) for at in range(20)}
    after, served = 0, dict.fromkeys(queues, 0)
    for turn in (1, 2, 3):
        taken, queues, after = moved(queues, LIMITS, after, served=served)
        served |= {source: turn for source, chunks in taken.items() if chunks}
    assert min(served.values()) >= 1


def test_a_chunk_that_is_too_large_for_any_micro_batch_is_one_of_its_own() -> None:
    queues = {"shop": waiting(1, 1, records=5_000), "web": waiting(2, 1)}
    taken, left, after = moved(queues, LIMITS, after=0)
    assert (len(taken["shop"]), len(taken["web"])) == (1, 0)
    assert len(moved(left, LIMITS, after)[0]["web"]) == 1


def test_without_gaps_the_queue_is_as_it_was() -> None:
    shop = [Waiting(seq, 100, 100) for seq in range(1, 50)]
    taken, _, upto = moved({"shop": shop, "web": [Waiting(50, 1, 1)]}, LIMITS, after=0)
    assert [chunk.seq for chunk in taken["shop"]] == list(range(1, upto + 1))
    assert taken["web"] == []


def test_a_queue_of_which_only_the_beginning_was_seen_keeps_its_order() -> None:
    queues = {"shop": waiting(1, 300, records=1), "web": waiting(400, 300, records=1)}
    limits = Limits(10_000, 10_000, 40)
    taken, left, _ = moved(queues, limits, after=0, most=40)
    assert (len(taken["shop"]), len(taken["web"])) == (20, 20)
    assert len(left["shop"]) + len(left["web"]) == 560


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 2_000), st.sampled_from((1, 2, STEP))), max_size=60
    ),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2_000)), max_size=20),
    st.integers(1, 9),
)
def test_every_chunk_comes_once_and_in_the_order_of_its_source(
    queued: list[tuple[str, int, int]], later: list[tuple[str, int]], most: int
) -> None:
    """While more is registered between the micro-batches, too, always behind all that is there."""
    highest = 0
    queues: Queues = {source: [] for source in "abc"}
    order: dict[int, tuple[str, int]] = {}

    def register(source: str, records: int, step: int) -> None:
        nonlocal highest
        highest += step
        number = len(order)
        order[number] = (source, number)
        queues[source].append(Waiting(highest, records, number))  # its bytes tell who it is

    for source, records, step in queued:
        register(source, records, step)
    seen: list[int] = []
    after = 0
    coming = list(later)
    while any(queues.values()) or coming:
        if any(queues.values()):
            taken, left, upto = moved(queues, Limits(1_000, 10**9, 8), after, most)
            assert upto > after, "no progress"
            batch = [chunk for queue in taken.values() for chunk in queue]
            assert batch
            seen += [chunk.byte_length for source in "abc" for chunk in taken.get(source, [])]
            queues, after = left, upto
            highest = max([highest, after])
        if coming:
            register(*coming.pop(), STEP)
    assert sorted(seen) == sorted(order)
    for source in "abc":
        own = [number for number in seen if order[number][0] == source]
        assert own == sorted(own)
