"""The header of an event file: which column holds which field.

Belongs here: the field names, the aliases of other producers and the reading of a header line. Does not belong
here: values (`cleaning`), what may stand before the header (`preamble`) and files (`content`).

Names are compared without case, blanks, dashes, dots and underscores: `Event ID`, `event-id` and `EVENT_ID` are one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickstream_assets.contract import ALIASES as ALIASES
from clickstream_assets.contract import FIELDS as FIELDS
from clickstream_assets.contract import REQUIRED as REQUIRED

DELIMITERS = (",", ";", "\t", "|")
MAX_COLUMNS = 500
MAX_HEADER_BYTES = 64 * 1024


NOTHING: Mapping[str, str] = {}
OLD_LINE_ENDS = ("line_ends", "Its lines end with a carriage return alone: end them with a newline.")

# Characters without width: they come along with a copied name, or as a byte-order mark in the middle of a file.
INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
_NOT_COMPARED = re.compile(INVISIBLE.pattern[:-2] + r"\s\-._\u2010-\u2015\u2212]+")


def plain_name(name: str) -> str:
    """What names are compared by."""
    return _NOT_COMPARED.sub("", name).lower()


_OWN_NAMES = {field: field for field in FIELDS}
_CLAIMS: tuple[Mapping[str, str], ...] = (
    _OWN_NAMES,
    {plain_name(name): field for name, field in _OWN_NAMES.items()},
    ALIASES,
    {plain_name(name): field for name, field in ALIASES.items()},
)


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
        columns with the same claim one that is spelled as known, else the first."""
        positions: dict[str, int] = {}
        for claims in (mapped, {plain_name(name): field for name, field in mapped.items()}, *_CLAIMS):
            taken = set(positions.values())
            for index, column in enumerate(self.columns):
                for name in (column.strip().lower(), plain_name(column)):
                    field = claims.get(name)
                    if field is not None and field not in positions and index not in taken:
                        positions[field] = index
        return positions

    def extra_columns(self, mapped: Mapping[str, str] = NOTHING) -> dict[str, int]:
        """Column name to index, for the columns that are not ours. A name of its own for each, and none of our
        fields': nameless and repeated ones are told apart by their number."""
        ours = set(self.field_positions(mapped).values())
        names = {index: name.strip() for index, name in enumerate(self.columns) if index not in ours}
        extra: dict[str, int] = {}
        again: list[int] = []
        for index, name in names.items():
            if not name or name in extra or name in FIELDS:
                again.append(index)
            else:
                extra[name] = index
        # Only now, when all names that the file gives are taken: none of them gives way to one made up here.
        for index in again:
            name = f"{names[index] or 'column'}_{index + 1}"
            while name in extra or name in FIELDS:
                name = f"{name}_{index + 1}"
            extra[name] = index
        return dict(sorted(extra.items(), key=lambda item: item[1]))


def parse_header(line: bytes, mapped: Mapping[str, str] = NOTHING, delimiter: str | None = None) -> Layout:
    """Read a line as a header. `mapped`: column names to fields; `delimiter`: where it is known already.

    Raises:
        HeaderError: it is no header, or lacks a required field, or has more columns than any event. It quotes nothing
            of the line, which may be anyone's secret, but the names of our fields.
    """
    if len(line) > MAX_HEADER_BYTES:
        if b"\r" in line.rstrip(b"\r\n"):
            raise HeaderError(*OLD_LINE_ENDS)
        raise HeaderError("header_too_long", f"The first line has {len(line):,} bytes; no header is so long.")
    if b"\0" in line:
        raise HeaderError("not_text", "The first line has NUL bytes: this is no text in UTF-8.")
    try:
        text = INVISIBLE.sub("", line.decode("utf-8"))
    except UnicodeDecodeError:
        raise HeaderError("not_text", "The first line is not UTF-8.") from None
    layouts = [_parse(text, choice) for choice in ([delimiter] if delimiter else DELIMITERS)]
    best = max(layouts, key=lambda layout: len(layout.field_positions(mapped)))
    positions = best.field_positions(mapped)
    if not positions and "\r" in text.rstrip("\r\n"):
        raise HeaderError(*OLD_LINE_ENDS)
    if not positions:
        most = max(len(layout.columns) for layout in layouts)
        raise HeaderError("no_header", f"The first line, of {_columns(most)}, names none of our fields.")
    missing = [field for field in REQUIRED if field not in positions]
    if missing:
        found = ", ".join(field for field in FIELDS if field in positions)
        count = _columns(len(best.columns))
        raise HeaderError(
            "missing_columns", f"The header lacks {', '.join(missing)}; its {count} hold {found}."
        )
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


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count:,} columns"
