"""The header of an event file: which column holds which field.

Belongs here: the field names, the aliases of other producers and the reading of a header line. Does not belong
here: values (`cleaning`) and files (`content`).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIELDS = (
    "event_id",
    "user_id",
    "session_id",
    "action_type",
    "product_id",
    "event_time",
    "price",
    "user_agent",
)
REQUIRED = ("user_id", "session_id", "action_type", "product_id", "event_time")
DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 500
MAX_HEADER_BYTES = 64 * 1024

# Names that other producers use (lower case), besides our own.
ALIASES: Mapping[str, str] = {
    # ids
    "eventid": "event_id",
    "event_uuid": "event_id",
    "uuid": "event_id",
    "message_id": "event_id",
    "messageid": "event_id",
    "insert_id": "event_id",
    "userid": "user_id",
    "user": "user_id",
    "visitorid": "user_id",
    "visitor_id": "user_id",
    "customer_id": "user_id",
    "customerid": "user_id",
    "client_id": "user_id",
    "clientid": "user_id",
    "user_pseudo_id": "user_id",
    "fullvisitorid": "user_id",
    "anonymous_id": "user_id",
    "sessionid": "session_id",
    "session": "session_id",
    "user_session": "session_id",
    "visit_id": "session_id",
    "visitid": "session_id",
    "ga_session_id": "session_id",
    "productid": "product_id",
    "product": "product_id",
    "item_id": "product_id",
    "itemid": "product_id",
    "item": "product_id",
    "sku": "product_id",
    "product_sku": "product_id",
    "productsku": "product_id",
    # what happened, and when
    "action": "action_type",
    "event": "action_type",
    "event_type": "action_type",
    "eventtype": "action_type",
    "event_name": "action_type",
    "type": "action_type",
    "time": "event_time",
    "timestamp": "event_time",
    "event_timestamp": "event_time",
    "eventtime": "event_time",
    "ts": "event_time",
    "datetime": "event_time",
    "created_at": "event_time",
    "occurred_at": "event_time",
    # the rest
    "product_price": "price",
    "unit_price": "price",
    "item_price": "price",
    "useragent": "user_agent",
    "ua": "user_agent",
    "browser_user_agent": "user_agent",
}


OWN_NAMES: Mapping[str, str] = {field: field for field in FIELDS}
NOTHING: Mapping[str, str] = {}
OLD_LINE_ENDS = ("line_ends", "Its lines end with a carriage return alone: end them with a newline.")


class HeaderError(ValueError):
    """The first line is no usable header. `reason` is a short stable code, `detail` a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Layout:
    """The columns of a file, in its order and spelling, and the delimiter between them."""

    columns: tuple[str, ...]
    delimiter: str = ","
    escape: str | None = (
        None  # of a quote within a quoted field: `quotes.BY_BACKSLASH`, `DOUBLED`, or not known
    )

    def field_positions(self, mapped: Mapping[str, str] = NOTHING) -> dict[str, int]:
        """Field name to column index. What `mapped` says comes first, then a field's own name, then the aliases; of
        columns with the same claim, the first."""
        names = [column.strip().lower() for column in self.columns]
        positions: dict[str, int] = {}
        for claims in (mapped, OWN_NAMES, ALIASES):
            taken = set(positions.values())
            for index, name in enumerate(names):
                field = claims.get(name)
                if field is not None and field not in positions and index not in taken:
                    positions[field] = index
        return positions

    def extra_columns(self, mapped: Mapping[str, str] = NOTHING) -> dict[str, int]:
        """Column name to index, for the columns that are not ours; nameless and repeated ones get a suffix."""
        ours = set(self.field_positions(mapped).values())
        extra: dict[str, int] = {}
        for index, column in enumerate(self.columns):
            if index in ours:
                continue
            name = column.strip() or f"column_{index + 1}"
            taken = name in extra or name in FIELDS
            extra[f"{name}_{index + 1}" if taken else name] = index
        return extra


def parse_header(line: bytes, mapped: Mapping[str, str] = NOTHING) -> Layout:
    """Read the first line of a file (BOM removed) as a header. `mapped`: column names (lower case) to fields.

    Raises:
        HeaderError: it is no header, or lacks a required field, or has more columns than any event.
    """
    if len(line) > MAX_HEADER_BYTES:
        if b"\r" in line.rstrip(b"\r\n"):
            raise HeaderError(*OLD_LINE_ENDS)
        raise HeaderError("header_too_long", f"The first line has {len(line):,} bytes; no header is so long.")
    if b"\0" in line:
        raise HeaderError("not_text", "The first line has NUL bytes: this is no text in UTF-8.")
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise HeaderError("not_text", "The first line is not UTF-8.") from None
    best = max(
        (_parse(text, delimiter) for delimiter in DELIMITERS),
        key=lambda layout: len(layout.field_positions(mapped)),
    )
    positions = best.field_positions(mapped)
    if not positions and "\r" in text.rstrip("\r\n"):
        raise HeaderError(*OLD_LINE_ENDS)
    if not positions:
        raise HeaderError("no_header", f"The first line names none of our fields: {_cut(text)}")
    missing = [field for field in REQUIRED if field not in positions]
    if missing:
        raise HeaderError("missing_columns", f"The header lacks {', '.join(missing)}: {_cut(text)}")
    if len(best.columns) > MAX_COLUMNS:
        raise HeaderError(
            "too_many_columns", f"The header has {len(best.columns):,} columns, over {MAX_COLUMNS}."
        )
    return best


def _parse(text: str, delimiter: str) -> Layout:
    try:
        rows: Sequence[Sequence[str]] = list(csv.reader([text.rstrip("\r\n")], delimiter=delimiter))
    except csv.Error:
        rows = []
    return Layout(tuple(rows[0]) if rows else (), delimiter)


def _cut(text: str, length: int = 200) -> str:
    text = text.strip()
    return text if len(text) <= length else text[:length] + "…"
