"""The header of an event file: its columns, and whether events can be read by them.

Which column is which field is said by `spark/mapping`. What may stand before the header is in `preamble`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from clickstream_assets.contract import FIELDS as FIELDS
from clickstream_assets.contract import REQUIRED as REQUIRED
from spark.mapping.encodings import UTF_8
from spark.mapping.file_plan import FilePlan
from spark.mapping.names import INVISIBLE, NOTHING, extra_columns, field_positions
from spark.mapping.source_mapping import DELIMITERS, MAX_COLUMNS, UNMAPPED, WITHOUT_QUOTES, SourceMapping

MAX_HEADER_BYTES = 64 * 1024
MISSING = "missing_columns"
# Of json an object a line; of json_values a list, objects over several lines, or one behind the other.
Format = Literal["csv", "json", "json_values", "parquet"]
_OF_LOG = re.compile(r"\ufeff?#Fields:", re.IGNORECASE)
OLD_LINE_ENDS = ("line_ends", "Its lines end with a carriage return alone: end them with a newline.")


class HeaderError(ValueError):
    """The first line is no usable header. `reason` is a short stable code, `detail` a sentence; `layout` where the
    columns are known all the same."""

    def __init__(self, reason: str, detail: str, layout: Layout | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.layout = layout


@dataclass(frozen=True)
class Layout:
    """The columns of a file, in its order and spelling, and the delimiter between them."""

    columns: tuple[str, ...]
    delimiter: str = ","
    escape: str | None = (
        None  # of a quote within a quoted field: `quotes.BY_BACKSLASH`, `DOUBLED`, or not known
    )
    encoding: str = UTF_8
    format: Format = "csv"

    @property
    def has_objects(self) -> bool:
        """Whether its records are objects of JSON."""
        return self.format in ("json", "json_values")

    def field_positions(self, mapped: Mapping[str, str] = NOTHING) -> dict[str, int]:
        """Field name to column, by names alone (`names.field_positions`)."""
        return field_positions(self.columns, mapped)

    def extra_columns(self, mapped: Mapping[str, str] = NOTHING) -> dict[str, int]:
        """The columns that are then not ours."""
        return extra_columns(self.columns, self.field_positions(mapped).values())


def parse_header(line: bytes, mapping: SourceMapping = UNMAPPED, delimiter: str | None = None) -> Layout:
    """Read a line as a header; `delimiter`: where it is known already.

    Raises:
        HeaderError: it is no header, or lacks a required field, or has more columns than any event. It quotes nothing
            of the line, which may be anyone's secret, but the names of our fields.
    """
    if len(line) > MAX_HEADER_BYTES:
        if b"\r" in line.rstrip(b"\r\n"):
            raise HeaderError(*OLD_LINE_ENDS)
        raise HeaderError("header_too_long", f"The first line has {len(line):,} bytes; no header is so long.")
    if b"\0" in line:
        raise HeaderError(
            "not_text",
            "The first line has NUL bytes: this is no text in UTF-8. If it is UTF-16, say so in [format] encoding.",
        )
    try:
        text = INVISIBLE.sub("", line.decode("utf-8"))
    except UnicodeDecodeError:
        raise HeaderError(
            "not_text", "The first line is not UTF-8. [format] encoding names another encoding."
        ) from None
    known = (
        mapping.delimiter or delimiter if names_of_log(line) is not None else delimiter or mapping.delimiter
    )
    has_quotes = mapping.escape not in WITHOUT_QUOTES
    layouts = [_parse(text, choice, has_quotes=has_quotes) for choice in ([known] if known else DELIMITERS)]
    plans = [FilePlan.of(layout.columns, mapping) for layout in layouts]
    best, plan = max(zip(layouts, plans, strict=True), key=lambda found: found[1].fit)
    if not plan.fit and "\r" in text.rstrip("\r\n"):
        raise HeaderError(*OLD_LINE_ENDS)
    if not plan.fit:
        layout = max(layouts, key=lambda found: len(found.columns))
        count = _columns(len(layout.columns))
        raise HeaderError("no_header", f"The first line, of {count}, names none of our fields.", layout)
    check_plan(plan, best)
    return best


def check_plan(plan: FilePlan, layout: Layout) -> None:
    """Raises: HeaderError: by these columns no event can be read."""
    if plan.missing or plan.absent:
        sentences = []
        if plan.missing:
            found, count = ", ".join(plan.found), _columns(len(layout.columns))
            sentences.append(
                f"The header lacks {', '.join(plan.missing)}; its {count} hold {found or 'none'}."
            )
        if plan.absent:
            # Names that the mapping gives, and so nobody's secret.
            names = ", ".join(repr(name) for name in plan.absent)
            sentences.append(f"The source mapping names columns that it has not: {names}.")
        raise HeaderError(MISSING, " ".join(sentences), layout)
    if len(layout.columns) > MAX_COLUMNS:
        raise HeaderError(
            "too_many_columns", f"The header has {len(layout.columns):,} columns, over {MAX_COLUMNS}."
        )


def given_header(columns: Sequence[str], line: bytes, mapping: SourceMapping) -> Layout:
    """The layout of a file without a header, whose columns the mapping names; `line` is its first record.

    Raises:
        HeaderError: by these columns no event can be read.
    """
    text = line.decode("utf-8", "replace")
    choices = [mapping.delimiter] if mapping.delimiter else DELIMITERS
    has_quotes = mapping.escape not in WITHOUT_QUOTES
    counts = {choice: len(_parse(text, choice, has_quotes=has_quotes).columns) for choice in choices}
    fitting = [choice for choice in choices if counts[choice] == len(columns)]
    layout = Layout(tuple(columns), (fitting or [*choices])[0])
    check_plan(FilePlan.of(layout.columns, mapping), layout)
    return layout


def names_of_log(line: bytes | str) -> list[str] | None:
    """The columns that a log in the W3C's format names; None: it is no such line."""
    text = line.decode("utf-8", "replace") if isinstance(line, bytes) else line
    found = _OF_LOG.match(text)
    return None if found is None else text[found.end() :].split()


def _parse(text: str, delimiter: str, *, has_quotes: bool) -> Layout:
    line = text.rstrip("\r\n")
    if (names := names_of_log(line)) is not None:
        return Layout(tuple(names), delimiter)
    if not has_quotes:
        return Layout(tuple(line.split(delimiter)), delimiter)
    try:
        rows: Sequence[Sequence[str]] = list(csv.reader([line], delimiter=delimiter))
    except csv.Error:
        rows = []
    return Layout(tuple(rows[0]) if rows else (), delimiter)


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count:,} columns"
