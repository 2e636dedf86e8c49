"""The columns of a file: its header, what may stand before it, and which columns are our fields.

Names are compared without case, blanks, dashes, dots, underscores and characters that nobody sees.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from clickstream_assets.contract import ALIASES, FIELDS, REQUIRED, WIDER_ALIASES

DELIMITERS = (",", ";", "\t", "|")
BACKSLASH, DOUBLED = "\\", '"'  # what the ledger calls the two ways to escape a quote …
NO_QUOTES = "none"  # … that quotes are characters like others …
BARE_BACKSLASH = "none\\"  # … and that a backslash escapes, where they are
WITHOUT_QUOTES = (NO_QUOTES, BARE_BACKSLASH)

_LOOKED_AT = 64 * 1024  # bytes
_UNSEEN = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
_UNSEEN_CHARACTERS = re.compile(f"[{_UNSEEN}]")
_NOT_COMPARED = re.compile(rf"[{_UNSEEN}\s._\-\u2010-\u2015\u2212]")
_EMPTY_LINE = re.compile(rf'[{_UNSEEN}\s,;|"]*')
_DIRECTIVE = re.compile(r"\ufeff?#(Version|Software|Date|Start-Date|End-Date|Remark): ?", re.IGNORECASE)
_FIELDS = re.compile(r"\ufeff?#Fields:", re.IGNORECASE)
_NAMES_DELIMITER = re.compile(rf'[{_UNSEEN}\s]*"?sep=(\\t|[^\r\n])"?\s*', re.IGNORECASE)


class LayoutError(ValueError):
    """The header is none that events can be read by. The message is one sentence."""


@dataclass(frozen=True)
class FileLayout:
    """The columns as the file writes them, the delimiter, and how quotes are escaped: BACKSLASH, DOUBLED, or None where
    nobody knows."""

    columns: tuple[str, ...]
    delimiter: str = ","
    escape: str | None = None
    encoding: str = "utf-8"  # of the file
    format: str = "csv"

    @property
    def separator(self) -> bytes:
        return self.delimiter.encode()

    @property
    def has_quotes(self) -> bool:
        return self.format == "csv" and self.escape not in WITHOUT_QUOTES

    @property
    def backslash(self) -> bool:
        return self.escape == BACKSLASH

    def position(self, name: str) -> int | None:
        """The column of this name, written so or at least nearly."""
        names = [column.strip().lower() for column in self.columns]
        if name.strip().lower() in names:
            return names.index(name.strip().lower())
        names = [_plain(column) for column in self.columns]
        return names.index(_plain(name)) if _plain(name) in names else None

    def fields(self, mapped: Mapping[str, str], given: Collection[str] = ()) -> dict[str, int]:
        """Our fields and their columns, but for those that are given otherwise.

        The mapping's names come first, then our own, then other producers'; and of each, those that are spelled so.
        Unclear names count only where a required field is still missing.
        """
        found: dict[str, int] = {}
        for known in (mapped, {field: field for field in FIELDS}, ALIASES, WIDER_ALIASES):
            if known is WIDER_ALIASES and not {*REQUIRED} - {*found, *given}:
                break
            for names in (known, {_plain(name): field for name, field in known.items()}):
                self._claim({name: field for name, field in names.items() if field not in given}, found)
        return found

    def _claim(self, names: Mapping[str, str], found: dict[str, int]) -> None:
        taken = set(found.values())
        for at, column in enumerate(self.columns):
            for name in (column.strip().lower(), _plain(column)):
                field = names.get(name)
                if field is not None and field not in found and at not in taken:
                    found[field] = at

    def extras(self, ours: Collection[int]) -> dict[str, int]:
        """The columns that are not ours, by their names; a name that is missing or taken gets its column's number."""
        others = {at: column.strip() for at, column in enumerate(self.columns) if at not in ours}
        found: dict[str, int] = {}
        for at, name in others.items():
            if name and name not in FIELDS:
                found.setdefault(name, at)
        for at, name in others.items():
            if at not in found.values():
                made = f"{name or 'column'}_{at + 1}"
                while made in found or made in FIELDS:
                    made += f"_{at + 1}"
                found[made] = at
        return found


@dataclass(frozen=True)
class Start:
    """The beginning of a file, up to the first record."""

    header: bytes
    size: int  # of all of it
    next_line: int
    delimiter: str | None = None  # where a line names it


def passed_over(content: bytes, skip_lines: int, comment: str | None) -> tuple[int, int]:
    """Bytes and lines before the header that the mapping has passed over."""
    mark = b"\xef\xbb\xbf"
    lines = content.removeprefix(mark).split(b"\n")[:-1]
    count = min(skip_lines, len(lines))
    while comment is not None and count < len(lines) and lines[count].startswith(comment.encode()):
        count += 1
    size = sum(len(line) + 1 for line in lines[:count])
    return (size + len(mark) if content.startswith(mark) else size), count


def find_start(content: bytes, skip_lines: int = 0, comment: str | None = None) -> Start:
    """Pass over empty lines, lines of delimiters alone and one like `sep=;`, and take the next one for the header."""
    at, lines = passed_over(content, skip_lines, comment) if skip_lines or comment else (0, 0)
    line, delimiter = lines + 1, None
    while True:
        end = content.find(b"\n", at) + 1 or len(content)
        text = content[at:end].decode("utf-8", "replace")
        named = _NAMES_DELIMITER.fullmatch(text)
        if end == len(content) or not (named or _EMPTY_LINE.fullmatch(text) or _DIRECTIVE.match(text)):
            if _FIELDS.match(text):  # of a log, whose values stand between tabs or blanks
                delimiter = "\t" if b"\t" in content[end:].partition(b"\n")[0] else " "
            return Start(content[at:end], end, line + 1, delimiter)
        if named:
            choice = named[1].replace("\\t", "\t")
            delimiter = choice if choice in DELIMITERS else None
        at, line = end, line + 1


def known_start(content: bytes, size: int, *, has_header: bool = True) -> Start:
    """The same where the ledger says how long it is; 0: it is the first line, if there is a header."""
    if not has_header:
        return Start(b"", size, 1 + content[:size].count(b"\n"))
    size = size or content.find(b"\n") + 1 or len(content)
    before = content[:size]
    header = before[before.rfind(b"\n", 0, -1) + 1 :]
    return Start(header, size, before.count(b"\n", 0, -1) + 2)


def split_header(line: bytes, delimiter: str, escape: str | None = None) -> tuple[str, ...]:
    """The columns that a header has with this delimiter; none where it cannot be split."""
    try:
        text = _UNSEEN_CHARACTERS.sub("", line.decode("utf-8")).rstrip("\r\n")
        if found := _FIELDS.match(text):
            return tuple(text[found.end() :].split())
        if escape in WITHOUT_QUOTES:
            return tuple(text.split(delimiter))
        rows = list(csv.reader([text], delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error):
        return ()
    return tuple(rows[0]) if rows else ()


def given_layout(
    columns: Sequence[str], first: bytes, delimiter: str | None, escape: str | None
) -> FileLayout:
    """The layout of a file without a header. `first`: its first line, which shows the delimiter where none is given."""
    choices = [delimiter] if delimiter else DELIMITERS
    fitting = [choice for choice in choices if len(split_row(first, choice, escape)) == len(columns)]
    return FileLayout(tuple(columns), (fitting or [*choices])[0], escape)


def with_last_column(layout: FileLayout, content: bytes) -> FileLayout:
    """The layout, with a column without a name more or less, where a delimiter ends most of the first rows but not the
    header, or the header alone. `content`: behind the header."""
    whole = len(content) < _LOOKED_AT
    lines = content[:_LOOKED_AT].split(b"\n")
    lines = [line for line in (lines if whole else lines[:-1]) if line.strip()][:100]
    rows = [split_row(line, layout.delimiter, layout.escape) for line in lines]
    names = list(layout.columns)
    widths = Counter(map(len, rows))
    usual = next((width for width, number in widths.items() if number > len(rows) / 2), None)
    if not names or len(names) in widths:
        return layout
    if names[-1].strip() and usual == len(names) + 1:
        if not any(row[-1].strip() for row in rows if len(row) == usual):
            names.append("")
    elif len(names) > 1 and not names[-1].strip() and usual == len(names) - 1:
        names.pop()
    return replace(layout, columns=tuple(names))


def split_row(line: bytes, delimiter: str, escape: str | None = None) -> list[str]:
    if escape in WITHOUT_QUOTES:
        return line.decode("utf-8", "replace").rstrip("\r\n").split(delimiter)
    try:
        rows = list(csv.reader([line.decode("utf-8", "replace").rstrip("\r\n")], delimiter=delimiter))
    except csv.Error:
        return []
    return rows[0] if rows else []


def same_columns(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two spellings of a header mean the same, whichever of them has a nameless column at its end."""
    one, other = ([_plain(name) for name in names] for names in (some, others))
    return one in (other, [*other, ""]) or other == [*one, ""]


def read_layout(
    start: Start,
    mapped: Mapping[str, str],
    escape: str | None = None,
    *,
    delimiter: str | None = None,
    given: Collection[str] = (),
    not_required: Collection[str] = (),
    more_fields: Callable[[FileLayout], int] = lambda _: 0,
) -> FileLayout:
    """The layout of a file by its header: the delimiter is the one with which most fields are ours.

    `delimiter`: the mapping's. `given`: fields that come from elsewhere; `more_fields`: how many of them from a
    column after all. `not_required`: fields that rows may lack.

    Raises:
        LayoutError: it is no header, or a field is missing that every event needs.
    """
    is_log = _FIELDS.match(start.header.decode("utf-8", "replace")) is not None
    known = delimiter or start.delimiter if is_log else start.delimiter or delimiter
    choices = [known] if known else DELIMITERS
    layouts = [FileLayout(split_header(start.header, choice, escape), choice, escape) for choice in choices]
    best = max(layouts, key=lambda layout: len(layout.fields(mapped, given)) + more_fields(layout))
    there = {*best.fields(mapped, given), *given, *not_required}
    missing = [field for field in REQUIRED if field not in there]
    if missing:
        raise LayoutError(f"The header lacks {', '.join(missing)}.")
    return best


def _plain(name: str) -> str:
    return _NOT_COMPARED.sub("", name).lower()
