"""Blocks for the JDBC sink: how many rows they hold, and how values are written that look like the notation's signs."""

from __future__ import annotations

import pyarrow as pa
import pytest

from spark.cleaning.cleaned import Cleaned
from spark.cleaning.columns import EVENT_SCHEMA, REJECT_SCHEMA
from spark.handover import row_blocks
from spark.handover.parts import Part


def cleaned(*user_ids: str | None) -> Cleaned:
    events = [
        {
            "event_id": bytes([number]) * 16,
            "event_time": 1_570_000_000_000_000,
            "file_id": 7,
            "line_no": number + 2,
            "user_id": user_id,
            "action_type": "view",
        }
        for number, user_id in enumerate(user_ids)
    ]
    return Cleaned(
        pa.RecordBatch.from_pylist(events, EVENT_SCHEMA), pa.RecordBatch.from_pylist([], REJECT_SCHEMA)
    )


@pytest.mark.parametrize(
    ("user_id", "written"),
    [
        ("u1", '{"u1"}'),
        (None, "{NULL}"),
        ("NULL", '{"NULL"}'),
        ("", '{""}'),
        ('say "hi"', '{"say \\"hi\\""}'),
        ("back\\slash", '{"back\\\\slash"}'),
        ('\\"', '{"\\\\\\""}'),
        ("{a,b}", '{"{a,b}"}'),
    ],
)
def test_a_value_is_written_as_an_array_holds_it(user_id: str | None, written: str) -> None:
    (rows,) = row_blocks.blocks("t", 7, cleaned(user_id))
    assert rows["user_id"].to_pylist() == [written]


def test_a_block_holds_so_many_rows_and_the_last_one_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_blocks, "BLOCK_ROWS", 2)
    (rows,) = row_blocks.blocks("t", 7, cleaned("a", "b", "c"))
    assert rows["user_id"].to_pylist() == ['{"a","b"}', '{"c"}']
    assert rows["line_no"].to_pylist() == ["{2,3}", "{4}"]
    assert rows["file_id"].to_pylist() == [7, 7]


def test_long_values_make_blocks_of_fewer_rows() -> None:
    (rows,) = row_blocks.blocks("t", 7, cleaned(*["x" * row_blocks.BLOCK_BYTES] * 3))
    assert len(rows) == 3


def test_a_part_ends_with_its_report() -> None:
    rows = row_blocks.report(Part(3, "t", None, {7: 2}))
    assert rows["token"].to_pylist() == ["t"]
    assert Part.from_json(rows["part"][0].as_py()) == Part(3, "t", None, {7: 2})
