"""A strict reader of event files, on purpose without a line of the generator's or the stream's code."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

FIELDS = [
    "event_id",
    "user_id",
    "session_id",
    "action_type",
    "product_id",
    "event_time",
    "price",
    "user_agent",
]
ACTIONS = {"view", "add_to_cart", "remove_from_cart", "purchase"}
REQUIRED = ("user_id", "session_id", "action_type", "product_id", "event_time")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
PRICE = re.compile(r"\d+\.\d\d", re.ASCII)


@dataclass(frozen=True)
class Row:
    line: bytes
    fields: dict[str, str] | None  # None: malformed

    @property
    def time(self) -> datetime:
        assert self.fields is not None
        return datetime.fromisoformat(self.fields["event_time"])


@dataclass(frozen=True)
class Counts:
    rows: int
    unique_events: int
    duplicates: int
    malformed: int


def read_rows(path: Path) -> list[Row]:
    """All records of a file that must begin with the header and end with a newline."""
    header, *lines = path.read_bytes().split(b"\n")
    assert header.decode().split(",") == FIELDS
    assert lines.pop() == b"", "the last line has no end"
    return [Row(line, good_fields(line)) for line in lines]


def event_files(directory: Path) -> list[Path]:
    return sorted(directory.glob("[!.]*"))


def count(files: Iterable[Path]) -> Counts:
    """What the files hold, taken together: a line that was there before is a duplicate."""
    seen: set[bytes] = set()
    ids: set[str] = set()
    rows = duplicates = malformed = 0
    for row in read_all(files):
        rows += 1
        if row.fields is None:
            malformed += 1
        elif row.line in seen:
            duplicates += 1
        else:
            seen.add(row.line)
            ids.add(row.fields["event_id"])
    assert len(ids) == len(seen), "two events share an id"
    return Counts(rows, len(seen), duplicates, malformed)


def read_all(files: Iterable[Path]) -> Iterator[Row]:
    for file in files:
        yield from read_rows(file)


def good_fields(line: bytes) -> dict[str, str] | None:
    """The fields of one line without its newline, or None where a strict parser refuses it."""
    assert line.strip(), "a blank line is no record"
    try:
        text = line.decode("utf-8", errors="strict")
        [values] = csv.reader([text], strict=True)
    except (UnicodeDecodeError, csv.Error):
        return None
    if "\0" in text or len(values) != len(FIELDS):
        return None
    fields = dict(zip(FIELDS, values, strict=True))
    if not all(fields[name] for name in REQUIRED) or fields["action_type"] not in ACTIONS:
        return None
    if not TIME.fullmatch(fields["event_time"]) or not PRICE.fullmatch(fields["price"] or "0.00"):
        return None
    try:
        time = datetime.fromisoformat(fields["event_time"])
    except ValueError:
        return None
    in_bounds = datetime(2000, 1, 1, tzinfo=UTC) <= time <= datetime.now(UTC) + timedelta(days=1)
    return fields if in_bounds else None
