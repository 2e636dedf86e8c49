"""[format] of a source mapping: how the files of another producer are made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from spark.mapping.encodings import encoding_named
from spark.mapping.path_patterns import PatternError, path_pattern
from spark.mapping.source_mapping import MAX_COLUMNS, Escape
from spark.mapping.sources import PathPart, Source, parts_of
from spark.mapping.tables import Place, keys_of, list_of, table_of, text_of

OF_BEGINNINGS = ("skip_lines", "comment", "header")
FORMAT_KEYS = ("escape", "quotes", "encoding", "delimiter", *OF_BEGINNINGS, "path", "records", "items")
DELIMITER = re.compile(r"[^\w\"\\\r\n\0\x80-\U0010ffff]")
MOST_SKIPPED = 1_000
ESCAPES = ("backslash", "none")


class Format(NamedTuple):
    """What [format] says; None: found per file, of an encoding UTF-8."""

    escape: Escape | None
    encoding: str | None  # as Python calls it
    delimiter: str | None
    skip_lines: int
    comment: str | None
    header: tuple[str, ...] | None
    path: str | None
    records: tuple[str, ...]  # empty, as the next: there is nothing to take apart
    items: tuple[str, ...]


def read_format(tables: Mapping[str, Any], fields: Mapping[str, Source | None], place: Place) -> Format:
    """`fields`: what the mapping takes, perhaps from names of files.

    Raises:
        SettingsError: something means nothing.
    """
    form = table_of(tables, "format", place, FORMAT_KEYS)
    within = place.within("format")
    return Format(
        escape=_escape(form, within),
        encoding=_encoding(form, within),
        delimiter=_delimiter(form, within),
        skip_lines=_skip_lines(form, within),
        comment=text_of(form, "comment", within, "#"),
        header=_header(form, within),
        path=_path(form, fields, within),
        records=keys_of(form, "records", "data.orders", within),
        items=keys_of(form, "items", "line_items", within),
    )


def _choice(table: Mapping[str, Any], key: str, choices: Sequence[str], place: Place) -> str | None:
    value = text_of(table, key, place, choices[0])
    if value is not None and value not in choices:
        place.refuse(f"{key} is '{value}': give one of {', '.join(choices)}.")
    return value


def _delimiter(form: Mapping[str, Any], place: Place) -> str | None:
    value = text_of(form, "delimiter", place, ";")
    if value is not None and not DELIMITER.fullmatch(value):
        place.refuse(
            f"delimiter is {value!r}: give one character, like ; or \\t or \\u0001, which is no letter, digit or quote."
        )
    return value


def _escape(form: Mapping[str, Any], place: Place) -> Escape | None:
    escape = cast("Escape | None", _choice(form, "escape", ESCAPES, place))
    if _choice(form, "quotes", ("none",), place) is None:
        return escape
    return "bare_backslash" if escape == "backslash" else "no_quotes"


def _encoding(form: Mapping[str, Any], place: Place) -> str | None:
    name = text_of(form, "encoding", place, "windows-1252")
    if name is None:
        return None
    found = encoding_named(name)
    if found is None:
        place.refuse(
            f"encoding is '{name}': give one like windows-1252, iso-8859-15, utf-16-le or shift_jis."
        )
    return found


def _skip_lines(form: Mapping[str, Any], place: Place) -> int:
    lines = form.get("skip_lines", 0)
    if isinstance(lines, bool) or not isinstance(lines, int) or not 0 <= lines <= MOST_SKIPPED:
        place.refuse(f"skip_lines is {lines!r}: give a number of lines up to {MOST_SKIPPED:,}.")
    return lines


def _header(form: Mapping[str, Any], place: Place) -> tuple[str, ...] | None:
    names = list_of(form, "header", place, '["ts", "user", "event"]')
    if names is not None and not 1 <= len(names) <= MAX_COLUMNS:
        place.refuse(f"header names {len(names):,} columns; a file has 1 to {MAX_COLUMNS}.")
    return names


def _path(form: Mapping[str, Any], fields: Mapping[str, Source | None], place: Place) -> str | None:
    pattern = text_of(form, "path", place, "{kind}-{day}.csv")
    try:
        names = path_pattern(pattern).groupindex if pattern is not None else {}
    except PatternError as error:
        place.refuse(f"path: {error}.")
    parts = [part for source in fields.values() if source is not None for part in parts_of(source)]
    used = {part.name for part in parts if isinstance(part, PathPart)}
    if unused := sorted(set(names) - used):
        place.refuse(
            f'path: no line of [fields] takes {unused[0]}, like user_id = {{ path = "{unused[0]}" }}.'
        )
    return pattern
