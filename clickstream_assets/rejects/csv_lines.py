"""Single lines of CSV, taken apart and written, in both ways to escape a quote: doubled, or behind a backslash.

Text is decoded as UTF-8 with surrogate escapes, so that bytes that are no UTF-8 survive the way through a CSV.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from clickstream_assets.second_reader.layout import BACKSLASH, BARE_BACKSLASH, NO_QUOTES, WITHOUT_QUOTES
from clickstream_assets.second_reader.quoting import bare_fields, read_record

_TO_ESCAPE = re.compile(r'\\(?=[\\"]|\Z)|"')  # any other backslash is itself, for readers of both dialects


def csv_line(fields: Iterable[str], delimiter: str = ",", escape: str | None = None) -> bytes:
    """One CSV line. A lone empty field is quoted, or it would be a blank line."""
    if escape == BARE_BACKSLASH:
        fields = [_bare_cell(field, delimiter) for field in fields]
    if escape in WITHOUT_QUOTES:
        return delimiter.join(fields).encode("utf-8", "surrogateescape") + b"\n"
    if escape == BACKSLASH:
        cells = [_backslash_cell(field, delimiter) for field in fields]
        line = '""' if cells == [""] else delimiter.join(cells)
        return line.encode("utf-8", "surrogateescape") + b"\n"
    text = io.StringIO(newline="")
    # The writer quotes a lone CR only where the line end has one.
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerow(fields)
    return text.getvalue().removesuffix("\r\n").encode("utf-8", "surrogateescape") + b"\n"


def _bare_cell(field: str, delimiter: str) -> str:
    """`field` without quotes; what it must not have stands behind a backslash."""
    for sign, written in (("\\", "\\\\"), (delimiter, f"\\{delimiter}"), ("\r", "\\r"), ("\n", "\\n")):
        field = field.replace(sign, written)
    return field


def _backslash_cell(field: str, delimiter: str) -> str:
    """`field`, in quotes where it has a quote, too: such a cell shows a reader the dialect of the file."""
    if not any(sign in field for sign in (delimiter, '"', "\r", "\n")):
        return field
    return f'"{_TO_ESCAPE.sub(lambda found: chr(92) + found[0], field)}"'


def split_record(record: bytes, delimiter: str, escape: str | None = None) -> list[str]:
    """The fields of a record: as CSV where it is CSV, else cut at each delimiter, quotes and all."""
    if escape == BARE_BACKSLASH and (bare := bare_fields(_text(record), delimiter)) is not None:
        return bare
    if escape in WITHOUT_QUOTES:
        return _text(record).split(delimiter)
    fields = _backslash_fields(record, delimiter) if escape == BACKSLASH else _csv_fields(record, delimiter)
    return fields or _text(record).split(delimiter)


def _backslash_fields(record: bytes, delimiter: str) -> list[str]:
    found = read_record(record, delimiter.encode(), backslash=True)
    is_one = found.end == len(record) and not record.endswith(b"\n")
    is_csv = is_one and found.is_record(len(found.fields))
    return [_text(field) for field in found.fields] if is_csv else []


def _csv_fields(record: bytes, delimiter: str) -> list[str]:
    try:
        rows = list(csv.reader([_text(record)], delimiter=delimiter, strict=True))
    except csv.Error:
        return []
    return rows[0] if len(rows) == 1 else []


def has_open_quote(record: bytes, delimiter: str, escape: str | None = None) -> bool:
    """Whether a quote might swallow the line after the record."""
    if escape == BARE_BACKSLASH:  # here it is a backslash
        return (len(record) - len(record.rstrip(b"\\"))) % 2 == 1
    if escape == NO_QUOTES:
        return False
    if escape == BACKSLASH:
        return read_record(record, delimiter.encode(), backslash=True).is_open
    return record.count(b'"') % 2 == 1


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
