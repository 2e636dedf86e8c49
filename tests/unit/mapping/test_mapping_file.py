"""The source mapping: what it may say, and that a mistake in it is one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from clickstream_assets.errors import SettingsError
from clickstream_assets.second_reader.mapping import read_audit_mapping
from clickstream_assets.second_reader.texts import Values
from spark.cleaning.texts import Nothing
from spark.mapping.mapping_file import mapping_of, read_mapping, recorded_mapping
from spark.mapping.source_mapping import PriceFormat, SourceMapping
from spark.reading.header import Layout, parse_header


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mapping.toml"
    path.write_text(text)
    return path


def test_no_file_maps_nothing() -> None:
    assert read_mapping(None) == SourceMapping()


def test_names_are_compared_without_case_and_spaces(tmp_path: Path) -> None:
    text = (
        '[columns]\n" Kunde " = "user_id"\n[actions]\n"In den Korb" = "add_to_cart"\n[time]\nzone = "UTC"\n'
    )
    mapping = read_mapping(write(tmp_path, text))
    assert (mapping.columns, mapping.actions) == ({"kunde": "user_id"}, {"in den korb": "add_to_cart"})
    assert replace(mapping, tables={}, columns={}, actions={}) == SourceMapping()
    assert recorded_mapping(mapping.to_json()) == mapping


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[columns", "is no TOML"),
        ('[column]\nkunde = "user_id"\n', "'column' means nothing there"),
        ('[columns]\nkunde = "user"\n', "'user' is none of event_id, user_id"),
        ("[columns]\nkunde = 7\n", 'takes lines like name = "value"'),
        ('columns = "kunde"\n', 'takes lines like name = "value"'),
        ('[columns]\nKunde = "user_id"\nkunde = "session_id"\n', "'kunde' is there twice"),
        ('[actions]\ngekauft = "bought"\n', "'bought' is none of view"),
        ('[actions]\nview = "purchase"\n', "'view' is an action of ours already"),
        ('[time]\nformats = "x"\n', "'formats' means nothing there"),
        ('[time]\nformat = "dd.MM.yyyy HH:mm"\n', "write it in strptime's notation, like %d.%m.%Y %H:%M:%S"),
        ('[time]\nformat = "%d.%m. %H:%M"\n', "it needs exactly one of %Y %y"),
        ('[time]\nformat = "%d.%m.%Y %H:%Q"\n', "'%Q' is unknown"),
        ('[time]\nformat = "%d.%m.%Y %I:%M"\n', "%I and %p go together"),
        ('[price]\ndecimal = "\'"\n', "give a point or a comma"),
        ('[price]\ngrouping = "."\n', "decimal and grouping are the same sign"),
        ('[values]\nnothing = "-"\n', "[values] takes a line like"),
        ('[format]\nescape = "slash"\n', "escape is 'slash': give one of backslash, none"),
        ('[time]\nzone = "Europe/Bielefeld"\n', "is no time zone"),
        ('[time]\nzone = "../etc/passwd"\n', "is no time zone"),
        ('[colums]\nkunde = "user_id"\n', "did you mean columns?"),
        ('[fields]\nuser = "x"\n', "'user' means nothing there; did you mean user_id?"),
        ("[fields]\nuser_id = 7\n", "[fields.user_id]: 7 is no source"),
        ("[fields]\nuser_id = true\n", "True is no source"),
        ('[fields]\nuser_id = ""\n', "the name of a column is empty"),
        (
            "[fields]\nuser_id = {}\n",
            "exactly one of column, constant, path, first, join, sum; there is none",
        ),
        ('[fields]\nuser_id = { column = "a", constant = "b" }\n', "there is column and constant"),
        (
            '[fields]\nuser_id = { column = "a", jsn = "b" }\n',
            "'jsn' means nothing there; did you mean json?",
        ),
        ('[fields]\nuser_id = { constant = "a", json = "b" }\n', "json goes with column, not with constant"),
        ('[fields]\nuser_id = { column = "a", json = "b[x]" }\n', "the path 'b[x]' cannot be read"),
        ('[fields]\nuser_id = { column = "a", json = [-1] }\n', "json is a path"),
        ('[fields]\nuser_id = { sum = ["a", "b"] }\n', "only event_time is a sum"),
        (
            '[fields]\nevent_time = { sum = [{ column = "a", unit = "week" }] }\n',
            "unit is 'week': give one of d, h",
        ),
        ('[fields]\nevent_time = { sum = ["a"], lookup = { a = "b" } }\n', "a sum is no text"),
        ('[fields]\nevent_time = { column = "a", unit = "s" }\n', "'unit' means nothing there"),
        ('[fields]\nevent_time = { join = "a" }\n', 'join takes a list, like join = ["Date", "Time"]'),
        ("[fields]\nevent_time = false\n", "no event is without it"),
        ('[fields]\nuser_id = { column = "a", lookup = { "1" = 2 } }\n', "lookup: '1' stands for 2"),
        ('[fields]\nuser_id = { column = "a", lookup = { a = "1", A = "2" } }\n', "'a' is there twice"),
        (
            '[fields]\nuser_id = { column = "a", when = [{ column = "b", then = "c" }] }\n',
            "exactly one of is",
        ),
        (
            '[fields]\nuser_id = { column = "a", when = [{ column = "b", below = 0 }] }\n',
            "each needs the text",
        ),
        (
            '[fields]\nuser_id = { column = "a", when = [{ column = "b", below = "0", then = "c" }] }\n',
            "a number",
        ),
        (
            '[fields]\nuser_id = { column = "a", when = [{ column = "b", above = nan, then = "c" }] }\n',
            "a number",
        ),
        ('[columns]\nkunde = "user_id"\n[fields]\nuser_id = "x"\n', "both say what user_id is ('kunde')"),
        ('[events]\nother_actions = ["View"]\n', "'View' is an action of ours already"),
        ('[events]\nother_actions = ["a", "A"]\n', "'a' is there twice"),
        (
            '[events]\nother_actions = "x" \noptionl = 1\n',
            "'optionl' means nothing there; did you mean optional?",
        ),
        ('[events]\nother_actions = [""]\n', "a name has 1 to 100 characters"),
        (
            '[actions]\na = "view"\n[events]\nother_actions = ["a"]\n',
            "'a' is 'view' here, and an action of its own",
        ),
        ('[actions]\na = "search"\n', "'search' is none of view"),
        ('[events]\noptional = ["time"]\n', "'time' is none of event_id"),
        ('[events]\noptional = ["event_time"]\n', "no event is without event_time"),
        ('[events]\nidentity = ["a", "a"]\n', "identity takes names of columns, each once"),
        ('[time]\ntime_of_day = "noon"\n', "time_of_day is 'noon': give a time like 12:00"),
        ('[time]\nformat = "%d.%m.%Y"\n', "it needs exactly one of %H %I"),
        ('[time]\nformat = "%d.%m.%Y :%M"\ntime_of_day = "12:00"\n', "it needs exactly one of %H %I"),
        ('[price]\nscale = "0.01"\n', "scale is '0.01': give a number"),
        ("[price]\nscale = 0\n", "from 1e-10 to 1e10"),
        ("[price]\nscale = true\n", "give a number"),
        ('[price]\ncurrency = "1"\n', "'1' is no sign of a currency"),
        ('[values]\nalso_nothin = ["-"]\n', "did you mean also_nothing?"),
        ('[format]\ndelimiter = "x"\n', "delimiter is 'x': give one character, like ;"),
        ("[format]\nheader = []\n", "header names 0 columns"),
        ('[format]\npath = "{a}{b}"\n', "two names with nothing between them"),
        ('[format]\npath = "{a"\n', "a brace that belongs to no name"),
        ('[format]\npath = "{day}.csv"\n', "no line of [fields] takes day, like user_id"),
    ],
)
def test_a_mistake_is_said_in_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as error:
        read_mapping(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.toml cannot be read: No such file"):
        read_mapping(tmp_path / "gone.toml")


def test_signs_words_and_the_escape_are_read(tmp_path: Path) -> None:
    text = '[price]\ndecimal = ","\ngrouping = "."\n[values]\nnothing = ["-", " NA "]\n[format]\nescape = "none"\n'
    mapping = read_mapping(write(tmp_path, text))
    assert (mapping.price, mapping.nothing, mapping.escape) == (PriceFormat(",", "."), ("-", "na"), "none")
    assert recorded_mapping(mapping.to_json()) == mapping


def test_words_match_files_as_they_are_written_there_letters_beyond_ascii_included(tmp_path: Path) -> None:
    """A word with a capital Ü was looked for with a small one, which no reader made of the file's."""
    text = '[actions]\n"Übersicht" = "view"\n[values]\nnothing = ["ÜBER"]\n'
    mapping = read_mapping(write(tmp_path, text))
    assert mapping.actions == {"Übersicht": "view"}
    audit = read_audit_mapping(write(tmp_path, text))
    assert audit.actions == mapping.actions
    values = Nothing(mapping.nothing).removed(pa.array(["ÜBER", "Über", "über"]))
    assert values.to_pylist() == [Values(audit.nothing).value(text) for text in ("ÜBER", "Über", "über")]
    assert values.to_pylist() == [None, None, "über"]


def test_the_mapping_comes_before_own_names_and_known_ones() -> None:
    layout = Layout(("event_time", "user_id", "session", "type", "item_id", "clicked", "ts"))
    assert layout.field_positions()["event_time"] == 0
    positions = layout.field_positions(
        {"clicked": "event_time", "item_id": "user_id", "user_id": "product_id"}
    )
    assert positions == {"event_time": 5, "user_id": 4, "product_id": 1, "session_id": 2, "action_type": 3}
    assert layout.extra_columns({"clicked": "event_time"})["event_time_1"] == 0


def test_a_header_is_read_by_the_mapping_with_its_delimiter() -> None:
    mapped = {
        "kunde": "user_id",
        "besuch": "session_id",
        "was": "action_type",
        "ware": "product_id",
        "wann": "event_time",
    }
    mapping = mapping_of({"columns": mapped}, "mapping.toml")
    layout = parse_header(b"Wann;Was;Kunde;Besuch;Ware;Filiale\n", mapping)
    assert (layout.delimiter, len(layout.columns)) == (";", 6)
    assert layout.extra_columns(mapped) == {"Filiale": 5}
