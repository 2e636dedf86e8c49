"""What a database should hold of some files, by the plainest of models, and what it does hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from two_readers import Outcomes

from clickstream_assets.second_reader.outcomes import Event, Reject

Rows = Callable[[str], list[tuple[Any, ...]]]  # runs a statement


class Expected:
    """One row after the other into a dictionary: the first of each identity stays."""

    def __init__(self, files: Sequence[Outcomes]) -> None:
        first: dict[tuple[str, int], Event] = {}
        self.events: list[tuple[object, ...]] = []
        self.rejects: list[tuple[object, ...]] = []
        self.conflicts: list[tuple[object, ...]] = []
        self.counts: list[tuple[int, ...]] = []
        for file_id, rows in enumerate(files, 1):
            inserted = duplicate = rejected = 0
            for row in rows:
                if isinstance(row, Reject):
                    rejected += 1
                    self.rejects.append((file_id, *row[:-1]))
                    continue
                known = first.setdefault((row.event_id, row.event_time), row)
                if known is row:
                    inserted += 1
                    self.events.append((file_id, *row))
                else:
                    duplicate += 1
                    if content(known) != content(row):
                        self.conflicts.append((file_id, row.line_no))
            self.counts.append((len(rows), inserted, duplicate, rejected))


def content(event: Event) -> tuple[object, ...]:
    price = None if event.price is None else Decimal(event.price)
    return (*event[2:6], price, event.user_agent, event.extra)


def stored_events(rows: Rows) -> list[tuple[Any, ...]]:
    found = rows(
        "SELECT file_id::int, line_no::int, event_id::text, user_id, session_id, action_type, product_id,"
        " (extract(epoch FROM event_time) * 1000000)::bigint, price::text, user_agent, extra::text"
        " FROM events ORDER BY file_id, line_no"
    )
    return [(*row[:-1], None if row[-1] is None else json.loads(str(row[-1]))) for row in found]


def stored_rejects(rows: Rows) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = rows(
        "SELECT file_id::int, line_no::int, byte_offset::int, byte_length::int, raw, reason, detail"
        " FROM rejected_events ORDER BY file_id, line_no"
    )
    return [(*row[:4], bytes(row[4]), *row[5:]) for row in found]


def stored_counts(rows: Rows) -> list[tuple[Any, ...]]:
    return rows(
        "SELECT rows_read::int, rows_inserted::int, rows_duplicate::int, rows_rejected::int FROM ingest_files"
        " WHERE status = 'committed' ORDER BY file_id"
    )
