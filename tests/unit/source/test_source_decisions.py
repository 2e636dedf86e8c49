"""What makes a micro-batch, and how it spreads over tasks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clickstream_assets.file_names import FileState
from spark.cleaning.time_bounds import TimeBounds
from spark.reading.header import Layout
from spark.source.chunks import ChunkToRead
from spark.source.micro_batches import (
    BATCH_BYTES,
    BATCH_CHUNKS,
    BATCH_ROWS,
    CHUNK_COST_BYTES,
    Waiting,
    batch_end,
    group_by_task,
    ranges_to_look_at,
)

STATE = FileState(1, 1, 1, 1)
LAYOUT = Layout(("user_id", "session_id", "action_type", "product_id", "event_time"))
BOUNDS = TimeBounds(0, 1)


def waiting(*sizes: tuple[int, int]) -> list[Waiting]:
    return [Waiting(seq, rows, size) for seq, (rows, size) in enumerate(sizes, 1)]


def chunk(seq: int, size: int) -> ChunkToRead:
    return ChunkToRead(seq, seq, b"f", STATE, None, LAYOUT, (), BOUNDS, 0, size, 2)


def test_nothing_waiting_is_no_batch() -> None:
    assert batch_end([]) is None


def test_a_batch_ends_before_its_rows_or_bytes_grow_too_many() -> None:
    assert batch_end(waiting((BATCH_ROWS, 1), (1, 1))) == 1
    assert batch_end(waiting((1, BATCH_BYTES), (1, 1))) == 1
    assert batch_end(waiting((1, 1), (1, 1))) == 2


def test_a_chunk_larger_than_any_batch_is_a_batch_of_its_own() -> None:
    assert batch_end(waiting((BATCH_ROWS * 9, 1), (1, 1))) == 1


def test_a_batch_has_a_bound_number_of_chunks() -> None:
    assert batch_end(waiting(*[(1, 1)] * (BATCH_CHUNKS + 10))) == BATCH_CHUNKS


@given(st.lists(st.integers(0, 3 * CHUNK_COST_BYTES)), st.integers(1, 9 * CHUNK_COST_BYTES))
def test_tasks_hold_all_chunks_in_order(sizes: list[int], task_bytes: int) -> None:
    chunks = [chunk(seq, size) for seq, size in enumerate(sizes)]
    groups = group_by_task(chunks, task_bytes)
    assert [c for group in groups for c in group] == chunks
    costs = [sum(c.byte_length + CHUNK_COST_BYTES for c in group) for group in groups]
    assert all(len(group) == 1 or cost <= task_bytes for group, cost in zip(groups, costs, strict=True))


def test_what_was_handed_out_is_not_handed_out_again() -> None:
    assert ranges_to_look_at(0, None) == [(0, None)]
    assert ranges_to_look_at(7, None) == [(7, None)]


def test_a_micro_batch_out_of_sparks_log_is_passed_over_and_what_lies_before_it_is_not() -> None:
    assert ranges_to_look_at(0, (100, 200)) == [(0, 100), (200, None)]
    assert ranges_to_look_at(60, (100, 200)) == [(60, 100), (200, None)]
    assert ranges_to_look_at(100, (100, 200)) == [(200, None)]
    assert ranges_to_look_at(300, (100, 200)) == [(300, None)]


def test_thousands_of_tiny_files_are_work_for_many_cores() -> None:
    groups = group_by_task([chunk(seq, 2_000) for seq in range(BATCH_CHUNKS)])
    assert len(groups) > 16
    assert max(map(len, groups)) < 2 * min(map(len, groups))
