"""Names of columns: how they are compared, and which of our fields they claim.

Names are compared without case, blanks, dashes, dots and underscores: `Event ID`, `event-id` and `EVENT_ID` are one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from clickstream_assets.contract import ALIASES, FIELDS, REQUIRED, WIDER_ALIASES

NOTHING: Mapping[str, str] = {}

# Characters without width: they come along with a copied name, or as a byte-order mark in the middle of a file.
INVISIBLE = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+")
_NOT_COMPARED = re.compile(INVISIBLE.pattern[:-2] + r"\s\-._\u2010-\u2015\u2212]+")


def plain_name(name: str) -> str:
    """What names are compared by."""
    return _NOT_COMPARED.sub("", name).lower()


def _spelled_and_plain(names: Mapping[str, str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
    return names, {plain_name(name): field for name, field in names.items()}


_KNOWN = (*_spelled_and_plain({field: field for field in FIELDS}), *_spelled_and_plain(ALIASES))
_WIDER = _spelled_and_plain(WIDER_ALIASES)


def column_position(columns: Sequence[str], name: str) -> int | None:
    """The column of this name: the first that is spelled so, else the first that compares equal."""
    spelled, plain = name.strip().lower(), plain_name(name)
    for same in (
        lambda column: column.strip().lower() == spelled,
        lambda column: plain_name(column) == plain,
    ):
        for at, column in enumerate(columns):
            if same(column):
                return at
    return None


def field_positions(
    columns: Sequence[str], mapped: Mapping[str, str] = NOTHING, given: Collection[str] = ()
) -> dict[str, int]:
    """Field name to the position of its column.

    What `mapped` says (names in lower case to fields) comes first, then a field's own name, then the aliases; of
    columns with the same claim one that is spelled as known, else the first. Where a required field is still missing,
    the less clear aliases count, too. `given` are fields that claim no column.
    """
    positions: dict[str, int] = {}
    for claims in (*_spelled_and_plain(mapped), *_KNOWN):
        _claim(columns, claims, given, positions)
    if any(field not in positions and field not in given for field in REQUIRED):
        for claims in _WIDER:
            _claim(columns, claims, given, positions)
    return positions


def rivals(columns: Sequence[str], positions: Mapping[str, int]) -> dict[str, list[int]]:
    """Other columns whose names say as well as those at `positions` that they are these fields."""
    found: dict[str, list[int]] = {}
    for field, at in positions.items():
        for known in (_KNOWN, (*_KNOWN, *_WIDER)):
            same = [number for number, column in enumerate(columns) if _claims(column, field, known)]
            if at in same:
                found[field] = [number for number in same if number not in positions.values()]
                break
    return {field: others for field, others in found.items() if others}


def _claims(column: str, field: str, known: Sequence[Mapping[str, str]]) -> bool:
    names = (column.strip().lower(), plain_name(column))
    return any(claims.get(name) == field for claims in known for name in names)


def _claim(
    columns: Sequence[str], claims: Mapping[str, str], given: Collection[str], positions: dict[str, int]
) -> None:
    taken = set(positions.values())
    for index, column in enumerate(columns):
        for name in (column.strip().lower(), plain_name(column)):
            field = claims.get(name)
            if field is not None and field not in positions and field not in given and index not in taken:
                positions[field] = index


def extra_columns(columns: Sequence[str], ours: Collection[int]) -> dict[str, int]:
    """Column name to position, for the columns that are not `ours`. A name of its own for each, and none of our
    fields': nameless and repeated ones are told apart by their number."""
    names = {index: name.strip() for index, name in enumerate(columns) if index not in ours}
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
