"""What a source mapping says, once it is read. `mapping_file` has the language, and reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from clickstream_assets.contract import NULL_TOKENS
from spark.mapping.sources import Source
from spark.mapping.time_formats import UTC

# The last two: a quote is a character like others; and a backslash escapes what follows it.
Escape = Literal["backslash", "none", "no_quotes", "bare_backslash"]
WITHOUT_QUOTES = ("no_quotes", "bare_backslash")

DELIMITERS = (",", ";", "\t", "|")  # that are found by themselves
MAX_COLUMNS = 500  # of a file


@dataclass(frozen=True)
class PriceFormat:
    """How a price is written."""

    decimal: str = "."
    grouping: str = ""  # empty: there is none
    scale: str | None = None  # a decimal number that the price is multiplied by
    currency: tuple[str, ...] = ()


@dataclass(frozen=True)
class SourceMapping:
    """What a mapping says. Names are trimmed and in lower case, as files' names are compared.

    Made by `mapping_file.mapping_of`, so that `tables`, from which a task makes it again, say the same.
    """

    tables: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    columns: Mapping[str, str] = field(default_factory=dict)  # their column: our field
    fields: Mapping[str, Source | None] = field(default_factory=dict)  # None: the producer has no such field
    actions: Mapping[str, str] = field(default_factory=dict)  # their word: our action
    other_actions: tuple[str, ...] = ()  # as they are stored
    optional: frozenset[str] = frozenset()  # fields that a row may lack
    identity: tuple[str, ...] = ()  # names of columns
    time_format: str | None = None  # in strptime's notation
    time_zone: str = UTC
    time_of_day: str | None = None  # of days alone
    time_zones: Mapping[str, str] = field(default_factory=dict)  # names within times, and what they mean
    price: PriceFormat = PriceFormat()
    nothing: Sequence[str] = NULL_TOKENS  # words in lower case
    escape: Escape | None = None  # None: found per file
    encoding: str | None = None  # as Python calls it; None: UTF-8
    delimiter: str | None = None  # None: found per file
    skip_lines: int = 0  # before the header, or the first row
    comment: str | None = None  # with which lines begin that are passed over before the header
    header: tuple[str, ...] | None = None  # the columns of files without a header
    path: str | None = None  # a pattern of `path_patterns`
    records: tuple[str, ...] = ()  # of JSON: keys to the list of records
    items: tuple[str, ...] = ()  # of JSON: keys to the list in a record of which each item is an event

    def to_json(self) -> str:
        """The tables as a text, always in the same order."""
        if not self.tables and self != UNMAPPED:
            raise AssertionError("a mapping is made by mapping_of")
        return json.dumps(self.tables, sort_keys=True, ensure_ascii=False)


UNMAPPED = SourceMapping()
