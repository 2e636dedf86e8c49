"""What a record of an event file means: an event with its values, or a reject with its reason."""

from __future__ import annotations

from typing import NamedTuple

from clickstream_assets.second_reader.quoting import QuotedRecord

MAX_RECORD_BYTES = 1024 * 1024  # a longer line is no event
KEPT_BYTES = 64 * 1024  # of a rejected record, as evidence


class Record(NamedTuple):
    """Bytes between two ends of records. `data` has the line end, and is cut to KEPT_BYTES where it is too long."""

    line_no: int  # where it starts; the header is line 1
    byte_offset: int  # into the (decompressed) content
    byte_length: int  # line end included, uncut
    data: bytes
    flaw: str | None  # the reason that its bytes alone give
    reading: QuotedRecord | None = None  # where there are quotes


class Event(NamedTuple):
    """A good row: the fields of the contract in their order, between its line and what is not ours. The time is in
    microseconds since 1970, the price is text as PostgreSQL shows it."""

    line_no: int
    event_id: str
    user_id: str | None
    session_id: str | None
    action_type: str
    product_id: str | None
    event_time: int
    price: str | None
    user_agent: str | None
    extra: dict[str, str] | None


class Reject(NamedTuple):
    """A bad row. `raw` is without its line end, at most KEPT_BYTES of it. `event_time` where that was readable."""

    line_no: int
    byte_offset: int
    byte_length: int
    raw: bytes
    reason: str
    detail: str | None = None
    event_time: int | None = None


def rejected(record: Record, reason: str, detail: str | None = None, event_time: int | None = None) -> Reject:
    """The reject that `record` becomes for `reason`; of `detail`, the first 200 characters."""
    kept = record.data[:KEPT_BYTES]
    raw = kept.removesuffix(b"\n").removesuffix(b"\r") if kept.endswith(b"\n") else kept
    return Reject(
        record.line_no,
        record.byte_offset,
        record.byte_length,
        raw,
        reason,
        None if detail is None else detail[:200],
        event_time,
    )
