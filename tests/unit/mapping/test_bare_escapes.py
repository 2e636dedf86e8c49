"""Texts without quotes in which a backslash escapes, as databases write them; and delimiters of any kind. Both readers
agree on what is right."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_mapping_language import values
from two_readers import WHOLE, Cut, Outcomes, agreed

from clickstream_assets.contract import REPLAY_OF
from clickstream_assets.errors import SettingsError
from clickstream_assets.rejects.csv_lines import csv_line, has_open_quote, split_record
from clickstream_assets.second_reader.layout import BARE_BACKSLASH
from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds
from spark.mapping.mapping_file import mapping_of
from spark.reading.quotes import bare_fields, bare_text

ALL_TIMES = TimeBounds(EARLIEST_US, 4_000_000_000_000_000)
TOML = '[format]\nquotes = "none"\nescape = "backslash"\n'
HEADER = "user\tsession\taction\titem\tts\tmore\n"


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def outcomes(toml: str, content: str, cut: Cut = WHOLE) -> Outcomes:
        return agreed(tmp_path, content.encode(), toml, ALL_TIMES, cut=cut)

    return outcomes


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a\\\\b", "a\\b"),
        ("a\\tb\\nc\\rd", "a\tb\nc\rd"),
        ("a\\\tb", "a\tb"),
        ("a\\\nb", "a\nb"),
        ("a\\\\\\\nb", "a\\\nb"),
        ("it\\'s \\\"", "it's \""),
        ('"a', '"a'),
        ("\\N", None),
        ("a\\N", "aN"),
        ("\\N\\N", "NN"),
        ("\\\\N", "\\N"),
        ("\\é", "é"),
        ("", None),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("cut", [Cut(), Cut(block_bytes=3), Cut(is_zipped=True, block_bytes=10)])
def test_a_backslash_escapes_what_follows_it(
    read: Any, written: str, said: str | None, end: str, cut: Cut
) -> None:
    row = "u\ts\tview\tp\t2020-01-01T00:00:00Z\t"
    content = f"{HEADER.strip()}{end}{row}{written}{end}{row}x{end}{row.replace('u', written, 1)}{end}"
    found = read(TOML, content, cut)
    extra = None if said is None else {"more": said}
    is_nothing = said in (None, "\\N")  # which is a word for nothing, too
    user = ("missing_user_id", said) if is_nothing else said
    assert values(found, "extra")[:2] == [extra, {"more": "x"}]
    assert values(found, "user_id")[2] == user
    assert found[1].line_no == 3 + written.count("\n")


def test_a_backslash_at_the_very_end_is_itself_and_one_that_names_nul_is_a_reject(read: Any) -> None:
    row = "u\ts\tview\tp\t2020-01-01T00:00:00Z\t"
    found = read(TOML, f"{HEADER}{row}a\\0b\n{row}a\\")
    assert values(found, "extra") == [("nul_byte", None), {"more": "a\\"}]


def test_a_record_becomes_no_longer_than_records_may_be(read: Any) -> None:
    row = "u\ts\tview\tp\t2020-01-01T00:00:00Z\t"
    line = "x" * 99_998 + "\\\n"
    found = read(TOML, f"{HEADER}{row}{line * 12}y\n{row}z\n")
    assert values(found, "extra")[1:] == [("field_count", None), {"more": "z"}]
    assert len(found[0].extra["more"]) > 900_000


TEXTS = st.text(st.sampled_from('ab\\\\\t\nN"nr\r,'), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.lists(TEXTS, min_size=2, max_size=2), max_size=6), st.sampled_from([3, 1 << 22]))
def test_both_readers_agree_on_any_text(read: Any, rows: list[list[str]], block: int) -> None:
    lines = "".join(f"u\ts\tview\t{item}\t2020-01-01T00:00:00Z\t{more}\n" for item, more in rows)
    read(TOML, HEADER + lines, Cut(block_bytes=block))


@given(st.lists(st.text(st.sampled_from("ab\\\t\n\rNé"), max_size=6), min_size=1, max_size=4))
def test_what_is_repaired_is_written_so_that_it_is_read_again(fields: list[str]) -> None:
    line = csv_line(fields, "\t", BARE_BACKSLASH)
    assert line.count(b"\n") == 1
    assert [bare_text(field).decode() for field in bare_fields(line[:-1], "\t")] == fields
    assert split_record(line[:-1], "\t", BARE_BACKSLASH) == fields
    assert not has_open_quote(line[:-1], "\t", BARE_BACKSLASH)
    assert has_open_quote(line[:-1] + b"\\", "\t", BARE_BACKSLASH)


@pytest.mark.parametrize("delimiter", [" ", "\x01", "~", "^", "\x1f", "#", ":"])
@pytest.mark.parametrize("quotes", ["", 'quotes = "none"\n'])
def test_a_mapping_names_any_single_sign_as_the_delimiter(read: Any, delimiter: str, quotes: str) -> None:
    toml = f'[format]\ndelimiter = "\\u{ord(delimiter):04x}"\n{quotes}[time]\nformat = "%Y-%m-%dT%H.%M"\n'
    rows = [
        ["user", "session", "action", "item", "ts", "more"],
        ["u", "s", "view", "p", "2020-01-01T00.00", "x"],
    ]
    found = read(toml, "".join(delimiter.join(row) + "\n" for row in rows))
    assert values(found, "user_id", "extra") == [("u", {"more": "x"})]


@pytest.mark.parametrize("delimiter", ["ab", "a", "5", "_", '\\"', "\\\\", "\\n", "é", "\\t\\t"])
def test_a_delimiter_that_could_not_be_told_from_a_text_is_refused(delimiter: str) -> None:
    with pytest.raises(SettingsError, match=r"delimiter is .*: give one character"):
        mapping_of(tomllib.loads(f'[format]\ndelimiter = "{delimiter}"\n'), "mapping.toml")


def test_a_replayed_file_has_a_header_whatever_the_delimiter_is(read: Any) -> None:
    toml = '[format]\ndelimiter = "~"\nheader = ["user", "session", "action", "item", "ts"]\n'
    found = read(toml, f"{REPLAY_OF}~user~session~action~item~ts\n7:1~u~s~view~p~2020-01-01T00:00:00Z\n")
    assert values(found, "user_id", "extra") == [("u", {REPLAY_OF: "7:1"})]
