"""The columns of a file: its header, and which of them are our fields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clickstream_assets.contract import ALIASES, FIELDS, REQUIRED
from clickstream_assets.values_audit.quoting import QuotingError, split_fields
from clickstream_assets.values_audit.texts import BLANKS

DELIMITERS = (",", ";", "\t", "|")
BOM = b"\xef\xbb\xbf"


class LayoutError(ValueError):
    """The header is none that events can be read by. The message is one sentence."""


@dataclass(frozen=True)
class FileLayout:
    """The columns as the file writes them, the delimiter, and whether a backslash escapes a quote."""

    columns: tuple[str, ...]
    delimiter: str = ","
    backslash: bool = False

    def fields(self, mapped: Mapping[str, str]) -> dict[str, int]:
        """Our fields and their columns. The mapping's names come first, then our own, then other producers'."""
        names = [_plain(column) for column in self.columns]
        found: dict[str, int] = {}
        for known in (mapped, {field: field for field in FIELDS}, ALIASES):
            free = [at for at in range(len(names)) if at not in found.values()]
            for at in free:
                field = known.get(names[at])
                if field is not None and field not in found:
                    found[field] = at
        return found

    def extras(self, mapped: Mapping[str, str]) -> dict[str, int]:
        """The columns that are not ours, by their names; a name that is missing or taken gets its column's number."""
        ours = set(self.fields(mapped).values())
        found: dict[str, int] = {}
        for at, column in enumerate(self.columns):
            if at in ours:
                continue
            name = column.strip(BLANKS) or f"column_{at + 1}"
            found[f"{name}_{at + 1}" if name in found or name in FIELDS else name] = at
        return found


def split_header(line: bytes, delimiter: str, backslash: bool = False) -> tuple[str, ...]:
    """The columns that a header has with this delimiter; none where it cannot be split."""
    while line.startswith(BOM):
        line = line.removeprefix(BOM)
    try:
        text = line.decode("utf-8").rstrip("\r\n")
        return tuple(split_fields(text, delimiter, backslash))
    except (UnicodeDecodeError, QuotingError):
        return ()


def same_columns(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two spellings of a header mean the same."""
    return [name.strip(BLANKS) for name in some] == [name.strip(BLANKS) for name in others]


def read_layout(line: bytes, mapped: Mapping[str, str], backslash: bool = False) -> FileLayout:
    """The layout of a file by its first line: the delimiter is the one with which most fields are ours.

    Raises:
        LayoutError: it is no header, or a field is missing that every event needs.
    """
    layouts = [
        FileLayout(split_header(line, delimiter, backslash), delimiter, backslash) for delimiter in DELIMITERS
    ]
    best = max(layouts, key=lambda layout: len(layout.fields(mapped)))
    missing = [field for field in REQUIRED if field not in best.fields(mapped)]
    if missing:
        raise LayoutError(f"The header lacks {', '.join(missing)}.")
    return best


def _plain(column: str) -> str:
    return column.strip(BLANKS).lower()
