"""Both sinks, and rows that are uploaded, on one file with every kind of value and of reject: each stores exactly what
the audit's own reader finds in the file."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import pytest
from hostile_rows import GOOD
from stored_rows import Expected, stored_counts, stored_events, stored_rejects
from stream_pipeline import Pipeline, needs_jdbc
from two_readers import by_audit

from clickstream_assets.contract import Sink
from spark.cleaning.time_bounds import TimeBounds
from spark.inspection.inspecting import inspect_file

pytestmark = pytest.mark.spark

UUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
VALUES = {
    "event_id": [
        "", UUID, UUID.upper(), UUID[:-1], "{" + UUID + "}", "42", "\u00e4\x1f", "null",
        " " + UUID + "\u00a0",
    ],
    "user_id": [
        "", "(not set)", "x" * 256, "x" * 257, "\U0001f6d2" * 256, "\U0001f6d2" * 257, "a\\b", "'; --", '"', "\x01",
        "e\u0301",
    ],
    "session_id": ["s\nt", "s\r\nt", "\\N", "\\.", "\u2028s\u2028", "\x1f"],
    "product_id": ["p,q", '"p"', "\u200b", "NaN", "007"],
    "action_type": ["ADD to Cart", "transaction", "look", "undefined", "\u017fiew"],
    "event_time": [
        "1772366400", "1772366400123.4567", "1772366400123456789", "2026-03-01 12:00",
        "2026-03-01T12:00:00,999999999-03:30", "2026-02-30T00:00:00Z", "1999-12-31T23:59:59Z",
        "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "noon",
        "Timestamp", "", "2000-01-01T00:00:00Z", "2026-03-01T12:00:00.000001Z",
    ],
    "price": [
        "", "0", "-0", "-0.00", "5.50", "12.", ".5", "5.0E0", "1e-05", "1.5e3", "19.990000000000002",
        "0.00000000005",
        "999999999999999.9999999999", "999999999999999.99999999999", "1e15", "-1", "abc", "0e999",
        "123456789012345",
        "0.0000000001", "10000", "10000.0001", "00012.3400",
    ],
    "user_agent": ["", "x" * 2_000, "x" * 2_001, "\u20ac" * 667, 'two\n"lines"', "C:\\"],
    "shop": ["", '"', "\\", "\x1f\x01\x7f", "a\nb", "\u2028", "{}", " blank ", "null"],
}  # fmt: skip
REASONS = {
    "unbalanced_quote", "line_too_long", "nul_byte", "invalid_utf8", "backslash_escape", "text_after_quote",
    "field_count",
    "missing_user_id", "missing_session_id", "missing_action_type", "missing_product_id", "missing_event_time",
    "repeated_header", "id_too_long", "unknown_action_type", "invalid_event_time", "event_time_out_of_range",
    "negative_price", "invalid_price", "user_agent_too_long",
}  # fmt: skip


def line(**changes: str) -> bytes:
    cells = (GOOD | {"shop": "north"} | changes).values()
    return (",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + "\r\n").encode()


def nasty_file() -> bytes:
    names = [*GOOD, 'shop "1"\\']
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names) + "\r\n"
    rows = [line(**{field: value}) for field, values in VALUES.items() for value in values]
    rows += [
        line(event_id=UUID, price="5.5"),
        line(event_id=UUID, price="5.50"),
        line(event_id=UUID, price="6"),
    ]
    plain = b",u,s,view,p,1772366401,,"
    rows += [
        b'a,"b\n', b"x" * (1 << 20) + b"yz\n", plain + b"\0,\n", plain + b"\xff,\n", plain + b'"Say \\"hi\\"",\n',
        plain + b'"a"b,\n', plain + b"\n", plain + b'"a\rb",\n', b" \t\n", b"\r\n", plain + b",x",
    ]  # fmt: skip
    return header.encode() + b"".join(rows)


# the sink, whether rows go by the spool, whether Spark's tasks read them
WAYS = [
    ("copy", True, False),
    ("copy", True, True),
    ("copy", False, False),
    ("copy", False, True),
    pytest.param("jdbc", True, True, marks=[pytest.mark.jdbc, needs_jdbc]),
]


@pytest.mark.parametrize(("sink", "spool", "in_tasks"), WAYS)
def test_what_is_stored_is_what_the_file_says_whichever_way_rows_go(
    pipeline: Pipeline, sink: Sink, spool: bool, in_tasks: bool
) -> None:
    content = nasty_file()
    path = pipeline.write("nasty.csv", content, b"")
    layout = inspect_file(os.fsencode(path)).layout
    assert layout is not None
    assert layout.escape is None  # its records contradict each other
    expected = Expected([by_audit(content, "", layout, TimeBounds.at(datetime.now(UTC)))[1]])
    assert {row[5] for row in expected.rejects} == REASONS
    pipeline.load(sink=sink, spool=spool, in_tasks=in_tasks)

    def rows(statement: str) -> list[tuple[Any, ...]]:
        return pipeline.rows(statement)

    assert stored_events(rows) == expected.events
    assert stored_rejects(rows) == expected.rejects
    assert stored_counts(rows) == expected.counts
    assert rows("SELECT file_id::int, line_no::int FROM event_conflicts ORDER BY 2") == expected.conflicts
    assert expected.conflicts
    pipeline.assert_conserved()


@pytest.mark.parametrize(("sink", "spool", "in_tasks"), WAYS)
def test_rows_of_tiny_files_keep_their_file_whichever_way_they_go(
    pipeline: Pipeline, sink: Sink, spool: bool, in_tasks: bool
) -> None:
    """A block of the JDBC writer once had the rows of several files, and was stored as the first one's."""
    header = line(**{name: name for name in GOOD}).replace(b"north", b"shop")
    for number in range(1, 4):
        rows = [line(user_id=f"{number}-{row}") for row in range(number)] + [line(price="abc")]
        pipeline.write(f"{number}.csv", b"".join(rows), header)
    pipeline.load(sink=sink, spool=spool, in_tasks=in_tasks)
    stored = "SELECT file_id::int, user_id FROM events ORDER BY 1, 2"
    assert pipeline.rows(stored) == [
        (number, f"{number}-{row}") for number in range(1, 4) for row in range(number)
    ]
    assert pipeline.rows("SELECT file_id::int FROM rejected_events ORDER BY 1") == [(1,), (2,), (3,)]
    pipeline.assert_conserved()
