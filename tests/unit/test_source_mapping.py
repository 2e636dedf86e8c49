"""The source mapping: what it may say, and that a mistake in it is one sentence."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from clickstream_assets.errors import SettingsError
from clickstream_assets.second_reader.mapping import read_audit_mapping
from clickstream_assets.second_reader.texts import Values
from spark.cleaning.source_mapping import PriceFormat, SourceMapping, read_mapping
from spark.cleaning.texts import Nothing
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
    assert mapping == SourceMapping({"kunde": "user_id"}, {"in den korb": "add_to_cart"})
    assert SourceMapping.from_json(mapping.to_json()) == mapping


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
    assert mapping == SourceMapping(price=PriceFormat(",", "."), nothing=("-", "na"), escape="none")
    assert SourceMapping.from_json(mapping.to_json()) == mapping


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
    layout = parse_header(b"Wann;Was;Kunde;Besuch;Ware;Filiale\n", mapped)
    assert (layout.delimiter, len(layout.columns)) == (";", 6)
    assert layout.extra_columns(mapped) == {"Filiale": 5}
