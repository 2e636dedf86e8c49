"""Dead letters as records: from the raw bytes of a rejected line to fields that a person can repair, and back.

Pure conversions that keep every byte of an untouched value. The grammar of a line is in `csv_lines`.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import cast

from clickstream_assets.contract import DEFAULT_SOURCE, REPLAY_OF
from clickstream_assets.errors import ClickstreamError
from clickstream_assets.rejects.csv_lines import csv_line, has_open_quote, split_record
from clickstream_assets.rejects.object_lines import is_object, linked_object, object_fields
from clickstream_assets.second_reader.layout import BACKSLASH, BARE_BACKSLASH, NO_QUOTES, WITHOUT_QUOTES
from clickstream_assets.second_reader.mapping import takes_from_path

REPLAYED_AGAIN_AT = "replayed_again_at"  # makes a deliberate repetition another content than the first
REJECT_REASON = "reject_reason"
REJECT_DETAIL = "reject_detail"
OUR_COLUMNS = (REPLAY_OF, REPLAYED_AGAIN_AT, REJECT_REASON, REJECT_DETAIL)
DELIMITERS = (",", ";", "\t", "|")
LONGEST_LINE_END = 2  # bytes that may be in byte_length and not in raw

# A spreadsheet takes a cell that begins so for a formula, and would run it: also behind a full-width sign of East Asia.
_FORMULA = re.compile(r"'*[=+\-@\t\r\n＝＋－＠]")  # noqa: RUF001
_OF_REPLAY = re.compile(r"^(?:replayed-[0-9a-f]{24}/)+")  # the folder of a file that keeps its path
_LINK = re.compile(r"([0-9]{1,18}):([0-9]{1,18})", re.ASCII)


class ReplayFileError(ClickstreamError):
    """A repaired file cannot be taken. The message is one sentence for the user."""


@dataclass(frozen=True)
class Reject:
    """A row of `rejected_events`, with the path and the header of its file."""

    reject_id: int
    file_id: int
    path: str
    line_no: int
    byte_offset: int
    byte_length: int
    raw: bytes
    reason: str
    detail: str | None
    rejected_at: datetime
    replayed_at: datetime | None
    layout_id: int
    columns: tuple[str, ...]
    delimiter: str
    escape: str | None = None  # of quotes, as the ledger has it for the file's layout
    mapping: str | None = None  # the source mapping of its file, as JSON; None: it is not on record
    format: str = "csv"  # of its file; of others than CSV the line is an object of JSON
    source: str = DEFAULT_SOURCE  # of its file

    @property
    def link(self) -> str:
        return f"{self.file_id}:{self.line_no}"

    @property
    def path_to_keep(self) -> str | None:
        """The path of the file, as it was before any replay, where the mapping takes values from it."""
        if self.mapping is None or not _takes_from_path(self.mapping):
            return None
        return _OF_REPLAY.sub("", self.path)

    @property
    def escape_to_write(self) -> str | None:
        """How quotes are escaped in a CSV that takes the place of its file: as all files of its mapping do."""
        if self.format != "csv" and self.mapping is not None:
            if self._mapping_says("quotes") is not None:
                return BARE_BACKSLASH if self._mapping_says("escape") == "backslash" else NO_QUOTES
            return BACKSLASH if self._mapping_says("escape") == "backslash" else None
        return self.escape if self.escape in (BACKSLASH, *WITHOUT_QUOTES) else None

    @property
    def delimiter_to_write(self) -> str:
        """Of a CSV that takes the place of its file: the one that all files of its mapping have, if it names one."""
        return self._mapping_says("delimiter") or ","

    def _mapping_says(self, name: str) -> str | None:
        says = {} if self.mapping is None else json.loads(self.mapping).get("format", {})
        return cast(str | None, says.get(name))

    @property
    def is_complete(self) -> bool:
        """Whether the whole line was kept."""
        return self.byte_length - len(self.raw) <= LONGEST_LINE_END

    @property
    def record(self) -> bytes:
        """The line without its line end."""
        return self.raw.rstrip(b"\r\n")


@dataclass(frozen=True)
class RepairedRow:
    """A row of a repaired file: which original it is for, and the fields behind our own columns."""

    file_id: int
    line_no: int
    fields: tuple[str, ...]


@dataclass(frozen=True)
class RepairedFile:
    columns: tuple[str, ...]
    rows: tuple[RepairedRow, ...]


@lru_cache(64)
def _takes_from_path(mapping: str) -> bool:
    return takes_from_path(json.loads(mapping))


def as_text_cell(value: str) -> str:
    """`value` as a cell that a spreadsheet takes for text: with a ' in front, where it would take it for a formula."""
    return f"'{value}" if _FORMULA.match(value) else value


def of_text_cell(cell: str) -> str:
    """What `as_text_cell` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def export_header(columns: Sequence[str]) -> tuple[str, ...]:
    """The header of an export: our columns in front, so that a row with too many fields keeps its link."""
    return (REPLAY_OF, REJECT_REASON, REJECT_DETAIL, *(name for name in columns if name not in OUR_COLUMNS))


def export_fields(reject: Reject) -> list[str]:
    """The row of an export for `reject`; the fields as they were, be they too many or too few."""
    if reject.format == "csv":
        fields = split_record(reject.record, reject.delimiter, reject.escape)
    else:
        fields = object_fields(reject.record, reject.columns)
    ours = {index for index, name in enumerate(reject.columns) if name in OUR_COLUMNS}
    kept = [field for index, field in enumerate(fields) if index not in ours]
    return [reject.link, reject.reason, reject.detail or "", *kept]


def is_unchanged(row: RepairedRow, columns: Sequence[str], original: Reject) -> bool:
    """Whether nobody repaired the row: it says what the export of its original said."""
    ours = len(export_header(()))
    return (
        tuple(columns) == export_header(original.columns)[ours:]
        and list(row.fields) == export_fields(original)[ours:]
    )


def can_go_back_as_it_is(reject: Reject) -> bool:
    """Whether the raw line can stand in a file with others: whole, and no open quote that would swallow the
    next line."""
    if reject.format != "csv":
        return reject.is_complete and is_object(reject.record)
    return reject.is_complete and not has_open_quote(reject.record, reject.delimiter, reject.escape)


def unrepaired_header(like: Reject, again_at: str | None) -> bytes:
    """The header for lines that go back as they are, which are `like` one of them; objects have none."""
    if like.format != "csv":
        return b""
    ours = [REPLAY_OF] if again_at is None else [REPLAY_OF, REPLAYED_AGAIN_AT]
    return csv_line([*ours, *like.columns[_own_columns_in_front(like.columns) :]], like.delimiter)


def unrepaired_line(reject: Reject, again_at: str | None) -> bytes:
    """The raw line, byte for byte, behind its link. A link from an earlier replay is replaced by this one."""
    if reject.format != "csv":
        own = {REPLAY_OF: reject.link} | ({} if again_at is None else {REPLAYED_AGAIN_AT: again_at})
        return linked_object(reject.record, own)
    separator = reject.delimiter.encode()
    parts = reject.record.split(separator, _own_columns_in_front(reject.columns))
    ours = [reject.link] if again_at is None else [reject.link, again_at]
    return separator.join([*(value.encode() for value in ours), parts[-1]]) + b"\n"


def _own_columns_in_front(columns: Sequence[str]) -> int:
    """How many leading columns an earlier replay put there; their values hold no quotes."""
    number = 0
    while number < len(columns) and columns[number] in (REPLAY_OF, REPLAYED_AGAIN_AT):
        number += 1
    return number


def read_repaired(content: bytes) -> RepairedFile:
    """Read an export after someone repaired it, in whatever delimiter the spreadsheet wrote it.

    Raises:
        ReplayFileError: it is no CSV, or a row does not say which line it is for.
    """
    text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    delimiter = _delimiter(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [of_text_cell(name.strip()) for name in next(reader)]
        link_at = header.index(REPLAY_OF)
        ours = {index for index, name in enumerate(header) if name in OUR_COLUMNS}
        rows = [_repaired_row(row, link_at, ours, reader.line_num) for row in reader if row]
    except csv.Error as error:
        raise ReplayFileError(f"line {reader.line_num} is no CSV ({error})") from None
    if not rows:
        raise ReplayFileError("it has no rows")
    return RepairedFile(tuple(n for i, n in enumerate(header) if i not in ours), tuple(rows))


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0].rstrip("\r")
    for delimiter in DELIMITERS:
        names = [name.strip().strip('"') for name in first.split(delimiter)]
        if REPLAY_OF in names:
            return delimiter
    raise ReplayFileError(f"its header has no column {REPLAY_OF}: start from `clickstream rejects export`")


def _repaired_row(row: list[str], link_at: int, ours: set[int], line: int) -> RepairedRow:
    link = _LINK.fullmatch(row[link_at].strip()) if link_at < len(row) else None
    if link is None:
        raise ReplayFileError(f"line {line} has no {REPLAY_OF} like 12:345, the original's file and line")
    fields = tuple(of_text_cell(field) for index, field in enumerate(row) if index not in ours)
    return RepairedRow(int(link[1]), int(link[2]), fields)


def repaired_content(
    columns: Sequence[str],
    rows: Sequence[RepairedRow],
    again_at: str | None,
    escape: str | None = None,
    delimiter: str = ",",
) -> tuple[bytes, ...]:
    """The lines of the file that goes into the events directory. `escape` and `delimiter` are those of the originals,
    for a source mapping may say that all files of the directory are of that dialect."""
    ours = [REPLAY_OF] if again_at is None else [REPLAY_OF, REPLAYED_AGAIN_AT]
    moment = [] if again_at is None else [again_at]
    header = csv_line([*ours, *columns], delimiter)
    lines = [[f"{row.file_id}:{row.line_no}", *moment, *row.fields] for row in rows]
    return (header, *(csv_line(line, delimiter, escape) for line in lines))
