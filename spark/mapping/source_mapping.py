"""The source mapping: what another producer calls the columns and the actions, and how it writes values.

[columns]                      # their column = our field; wins over every known name
kunde = "user_id"

[fields]                       # our field = where its text comes from (`field_tables`)
session_id = false

[actions]                      # their word = our action
angesehen = "view"

[events]
other_actions = ["search"]     # actions besides our four; they are kept under these names, and may lack a product
optional = ["user_id"]         # fields that a row may lack
identity = ["Menge"]           # columns that tell rows without an id apart, besides the fields

[time]
format = "%d.%m.%Y %H:%M:%S"   # strptime's notation; times in ISO 8601 and epochs are read besides
zone = "Europe/Berlin"         # of times that name none; UTC unless given
time_of_day = "12:00"          # of times that are a day alone; they are refused unless given

[price]
decimal = ","                  # the decimal sign; a point unless given
grouping = "."                 # between thousands; none unless given
scale = 0.01                   # what a price is multiplied by: 0.01 for cents
currency = ["€", "EUR"]        # signs before or behind the number

[values]
nothing = ["-", "NA"]          # the words that mean "no value", instead of the known ones
also_nothing = ["-"]           # … or besides the known ones

[format]
escape = "backslash"           # how a quote within quotes is written; found per file unless given
quotes = "none"                # quotes are characters like others; they enclose fields unless given
encoding = "windows-1252"      # UTF-8 unless given; a byte-order mark comes first
delimiter = ";"                # found per file unless given
skip_lines = 3                 # lines that stand before the header
comment = "#"                  # what lines before the header begin with that are none
header = ["ts", "user"]        # the names of the columns, of files without a header
path = "{kind}-{day}.csv"      # what names of files say, for [fields]
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

from clickstream_assets.contract import CANONICAL_ACTIONS, FIELDS, NULL_TOKENS, REQUIRED
from clickstream_assets.errors import SettingsError
from spark.mapping.encodings import encoding_named
from spark.mapping.field_tables import read_fields
from spark.mapping.letters import BLANKS, ascii_lower
from spark.mapping.path_patterns import PatternError, path_pattern
from spark.mapping.sources import PathPart, Source, parts_of
from spark.mapping.tables import Place, list_of, table_of, text_of, texts_of
from spark.mapping.time_formats import UTC, TimeFormatError, compiled, read_time_of_day

Escape = Literal["backslash", "none", "no_quotes"]  # the last: a quote is a character like others

TABLES = ("columns", "fields", "actions", "events", "time", "price", "values", "format")
FORMAT_KEYS = ("escape", "quotes", "encoding", "delimiter", "skip_lines", "comment", "header", "path")
MOST_SKIPPED = 1_000
ESCAPES = ("backslash", "none")
DELIMITERS = (",", ";", "\t", "|")
GROUPING_SIGNS = (".", ",", "'", " ", "\u00a0", "\u202f", "\u2019", "_")
# A minus sign of any kind, or brackets, which mean one: without it, what was taken back would be bought.
NO_CURRENCY = re.compile("[\\d+\\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d()\\[\\]<>%]")
MAX_COLUMNS = 500
MOST_WORDS = 1_000
MAX_ACTION_CHARACTERS = 100


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

    Made by `mapping_of`, so that `tables`, from which a task makes it again, say the same.
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
    price: PriceFormat = PriceFormat()
    nothing: Sequence[str] = NULL_TOKENS  # words in lower case
    escape: Escape | None = None  # None: found per file
    encoding: str | None = None  # as Python calls it; None: UTF-8
    delimiter: str | None = None  # None: found per file
    skip_lines: int = 0  # before the header, or the first row
    comment: str | None = None  # with which lines begin that are passed over before the header
    header: tuple[str, ...] | None = None  # the columns of files without a header
    path: str | None = None  # a pattern of `path_patterns`

    def to_json(self) -> str:
        """The tables as a text, always in the same order."""
        if not self.tables and self != UNMAPPED:
            raise AssertionError("a mapping is made by mapping_of")
        return json.dumps(self.tables, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> SourceMapping:
        return mapping_of(json.loads(text), "the recorded source mapping")


UNMAPPED = SourceMapping()


def read_mapping(path: Path | None) -> SourceMapping:
    """The mapping in the file at `path`; the empty one for `None`.

    Raises:
        SettingsError: the file cannot be read, or says something that means nothing.
    """
    if path is None:
        return UNMAPPED
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SettingsError(f"The source mapping {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"The source mapping {path} is no TOML: {error}.") from None
    return mapping_of(tables, f"{path}")


def mapping_of(tables: Mapping[str, Any], file: str) -> SourceMapping:
    """What the tables of a mapping mean. `file` is where they are from, for the sentence about a mistake.

    Raises:
        SettingsError: they say something that means nothing.
    """
    place = Place(file)
    place.refuse_unknown(tables, TABLES)
    if r"\u0000" in json.dumps(tables, default=str):
        place.refuse("it has a NUL character, which no value can have.")
    fields = read_fields(tables.get("fields", {}), place)
    columns = _names(tables, "columns", FIELDS, place)
    for name, our in columns.items():
        if our in fields:
            place.refuse(f"[columns] and [fields] both say what {our} is ('{name}'): keep one of them.")
    events = table_of(tables, "events", place, ("other_actions", "optional", "identity"))
    other_actions = _other_actions(events, place.within("events"))
    form = table_of(tables, "format", place, FORMAT_KEYS)
    pattern = _path(form, fields, place.within("format"))
    time_format, zone, time_of_day = _time(tables, place)
    return SourceMapping(
        tables=tables,
        columns=columns,
        fields=fields,
        actions=_actions(tables, other_actions, place),
        other_actions=other_actions,
        optional=_optional(events, fields, place.within("events")),
        identity=_identity(events, place.within("events")),
        time_format=time_format,
        time_zone=zone,
        time_of_day=time_of_day,
        price=_price(tables, place),
        nothing=_nothing(tables, place),
        escape=_escape(form, place.within("format")),
        encoding=_encoding(form, place.within("format")),
        delimiter=_choice(form, "delimiter", DELIMITERS, place.within("format")),
        skip_lines=_skip_lines(form, place.within("format")),
        comment=text_of(form, "comment", place.within("format"), "#"),
        header=_header(form, place.within("format")),
        path=pattern,
    )


def _names(tables: Mapping[str, Any], table: str, ours: Sequence[str], place: Place) -> dict[str, str]:
    found: dict[str, str] = {}
    within = place.within(table)
    for theirs, our in texts_of(tables, table, place).items():
        # Words are compared without case in ASCII alone, as values are; names of columns wherever there is case.
        name = ascii_lower(theirs.strip(BLANKS)) if table == "actions" else theirs.strip().lower()
        if our not in ours:
            within.refuse(f"'{our}' is none of {', '.join(ours)}.")
        if name in found:
            within.refuse(f"'{name}' is there twice; upper and lower case are the same.")
        found[name] = our
    return found


def _actions(tables: Mapping[str, Any], other: tuple[str, ...], place: Place) -> dict[str, str]:
    found = _names(tables, "actions", (*CANONICAL_ACTIONS, *other), place)
    for word, our in found.items():
        if word in CANONICAL_ACTIONS and word != our:
            place.within("actions").refuse(f"'{word}' is an action of ours already.")
        if word in map(ascii_lower, other) and word != ascii_lower(our):
            place.within("actions").refuse(
                f"'{word}' is '{our}' here, and an action of its own in [events] other_actions: keep one of them."
            )
    return found


def _other_actions(events: Mapping[str, Any], place: Place) -> tuple[str, ...]:
    names = tuple(
        name.strip(BLANKS) for name in list_of(events, "other_actions", place, '["search", "login"]') or ()
    )
    if len(names) > MOST_WORDS:
        place.refuse(
            f"other_actions has {len(names):,} names, over {MOST_WORDS:,}: is that the right column?"
        )
    for name in names:
        if not 1 <= len(name) <= MAX_ACTION_CHARACTERS or "\0" in name:
            place.refuse(
                f"other_actions: a name has 1 to {MAX_ACTION_CHARACTERS} characters, not {len(name)}."
            )
        if ascii_lower(name) in CANONICAL_ACTIONS:
            place.refuse(f"other_actions: '{name}' is an action of ours already.")
        if [ascii_lower(other) for other in names].count(ascii_lower(name)) > 1:
            place.refuse(f"other_actions: '{name}' is there twice; upper and lower case are the same.")
    return names


def _optional(events: Mapping[str, Any], fields: Mapping[str, Source | None], place: Place) -> frozenset[str]:
    names = list_of(events, "optional", place, '["session_id"]') or ()
    needed = ("action_type", "event_time")
    for name in names:
        if name not in FIELDS:
            place.refuse(f"optional: '{name}' is none of {', '.join(FIELDS)}.")
        if name in needed:
            place.refuse(f"optional: no event is without {name}; give a constant in [fields].")
    for name in needed:
        if name in fields and fields[name] is None:
            place.refuse(f"[fields] {name} = false: no event is without it; give a constant.")
    return frozenset(names) | {name for name in REQUIRED if name in fields and fields[name] is None}


def _identity(events: Mapping[str, Any], place: Place) -> tuple[str, ...]:
    names = tuple(name.strip() for name in list_of(events, "identity", place, '["quantity"]') or ())
    if not all(names) or len(set(names)) < len(names) or len(names) > MAX_COLUMNS:
        place.refuse("identity takes names of columns, each once.")
    return names


def _time(tables: Mapping[str, Any], place: Place) -> tuple[str | None, str, str | None]:
    time = table_of(tables, "time", place, ("format", "zone", "time_of_day"))
    texts_of(tables, "time", place)
    within = place.within("time")
    zone, form, of_day = time.get("zone", UTC), time.get("format"), time.get("time_of_day")
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        within.refuse(f"'{zone}' is no time zone: give a name like Europe/Berlin.")
    if of_day is not None and read_time_of_day(of_day) is None:
        within.refuse(f"time_of_day is '{of_day}': give a time like 12:00 or 23:59:59.")
    if form is not None and "%" not in form:
        within.refuse(
            f"the format '{form}' has no %: write it in strptime's notation, "
            "like %d.%m.%Y %H:%M:%S (Spark's patterns, like dd.MM.yyyy, are no longer read)."
        )
    try:
        if form is not None:
            compiled(form, may_lack_hour=of_day is not None)
    except TimeFormatError as error:
        within.refuse(f"the format '{form}' cannot be used: {error}.")
    return form, zone, of_day


def _price(tables: Mapping[str, Any], place: Place) -> PriceFormat:
    price = table_of(tables, "price", place, ("decimal", "grouping", "scale", "currency"))
    within = place.within("price")
    texts_of({"price": {k: v for k, v in price.items() if k in ("decimal", "grouping")}}, "price", place)
    decimal, grouping = price.get("decimal", "."), price.get("grouping", "")
    if decimal not in (".", ","):
        within.refuse(f"decimal is '{decimal}': give a point or a comma.")
    if grouping and grouping not in GROUPING_SIGNS:
        within.refuse(f"grouping is '{grouping}': give one of {' '.join(map(repr, GROUPING_SIGNS))}.")
    if decimal == grouping:
        within.refuse(f"decimal and grouping are the same sign, '{decimal}'.")
    return PriceFormat(decimal, grouping, _scale(price, within), _currency(price, within))


def _scale(price: Mapping[str, Any], place: Place) -> str | None:
    scale = price.get("scale")
    if scale is None:
        return None
    if isinstance(scale, bool) or not isinstance(scale, int | float):
        place.refuse(f"scale is {scale!r}: give a number, like 0.01 for cents.")
    number = Decimal(repr(scale))
    if not number.is_finite() or not Decimal("1e-10") <= number <= Decimal("1e10"):
        place.refuse(f"scale is {scale!r}: give a number from 1e-10 to 1e10.")
    return f"{number:f}"


def _currency(price: Mapping[str, Any], place: Place) -> tuple[str, ...]:
    signs = list_of(price, "currency", place, '["€", "EUR"]') or ()
    for sign in signs:
        if NO_CURRENCY.search(sign) or not re.search(r"[^\s.,]", sign):
            place.refuse(f"currency: '{sign}' is no sign of a currency, like € or EUR.")
    # The longest first: of $ and US$, the second.
    return tuple(sorted({sign.strip(BLANKS) for sign in signs}, key=lambda sign: (-len(sign), sign)))


def _nothing(tables: Mapping[str, Any], place: Place) -> Sequence[str]:
    values = tables.get("values", {})
    keys = ("nothing", "also_nothing")
    found = [values.get(key, []) if isinstance(values, dict) else None for key in keys]
    if not all(isinstance(words, list) and all(isinstance(word, str) for word in words) for words in found):
        place.refuse('[values] takes a line like nothing = ["-", "NA"].')
    place.within("values").refuse_unknown(values, keys)
    known = values.get("nothing", NULL_TOKENS)
    return tuple(ascii_lower(word.strip(BLANKS)) for word in (*known, *values.get("also_nothing", [])))


def _choice(table: Mapping[str, Any], key: str, choices: Sequence[str], place: Place) -> str | None:
    value = text_of(table, key, place, choices[0])
    if value is not None and value not in choices:
        place.refuse(f"{key} is '{value}': give one of {', '.join(choices).replace(chr(9), 'a tab')}.")
    return value


def _escape(form: Mapping[str, Any], place: Place) -> Escape | None:
    escape = cast("Escape | None", _choice(form, "escape", ESCAPES, place))
    if _choice(form, "quotes", ("none",), place) is None:
        return escape
    if escape is not None:
        place.refuse("without quotes there is none to escape: keep quotes or escape.")
    return "no_quotes"


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
