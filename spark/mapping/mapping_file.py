"""The file of a source mapping: what another producer calls the columns and the actions, and how it writes values.

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
zones = { PST = "-08:00" }     # what names of zones within times mean: an offset, or a zone like Europe/Berlin

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
quotes = "none"                # quotes are characters like others; they enclose fields unless given. With escape =
                               # "backslash", \\t is a tab, \\N is nothing, and so on, as databases write text
encoding = "windows-1252"      # UTF-8 unless given; a byte-order mark comes first
delimiter = ";"                # one character; , ; | and tabs are found per file unless given
skip_lines = 3                 # lines that stand before the header
comment = "#"                  # what lines before the header begin with that are none
header = ["ts", "user"]        # the names of the columns, of files without a header
path = "{kind}-{day}.csv"      # what names of files say, for [fields]
records = "data.orders"        # of JSON: where in it the list of records is
items = "line_items"           # of JSON: each item of this list is an event, with all else of its record
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clickstream_assets.errors import SettingsError
from spark.mapping.event_tables import read_actions, read_columns, read_events
from spark.mapping.field_tables import read_fields
from spark.mapping.format_table import read_format
from spark.mapping.source_mapping import UNMAPPED, SourceMapping
from spark.mapping.tables import Place
from spark.mapping.value_tables import read_nothing, read_price, read_times

TABLES = ("columns", "fields", "actions", "events", "time", "price", "values", "format")


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


def recorded_mapping(text: str) -> SourceMapping:
    """The mapping of which `SourceMapping.to_json` made this text."""
    return mapping_of(json.loads(text), "the recorded source mapping")


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
    events = read_events(tables, fields, place)
    times = read_times(tables, place)
    form = read_format(tables, fields, place)
    return SourceMapping(
        tables=tables,
        columns=read_columns(tables, fields, place),
        fields=fields,
        actions=read_actions(tables, events.other_actions, place),
        other_actions=events.other_actions,
        optional=events.optional,
        identity=events.identity,
        time_format=times.format,
        time_zone=times.zone,
        time_of_day=times.time_of_day,
        time_zones=times.zones,
        price=read_price(tables, place),
        nothing=read_nothing(tables, place),
        escape=form.escape,
        encoding=form.encoding,
        delimiter=form.delimiter,
        skip_lines=form.skip_lines,
        comment=form.comment,
        header=form.header,
        path=form.path,
        records=form.records,
        items=form.items,
    )
