"""Rows of a sample before and after, on a terminal and as a page."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spark.cleaning.time_bounds import TimeBounds
from spark.mapping.mapping_file import mapping_of
from spark.sample.comparison import compared_rows
from spark.sample.page import page
from spark.sample.sampling import Sample, find_files, sample_file
from spark.sample.side_by_side import side_by_side

MAPPING = mapping_of(
    {
        "fields": {
            "event_time": {"join": ["Datum", "Uhrzeit"]},
            "product_id": {"column": "Daten", "json": "sku"},
            "price": {"column": "Daten", "json": "preis"},
            "session_id": False,
        },
        "columns": {"Kunde": "user_id", "Was": "action_type"},
        "time": {"format": "%d.%m.%Y %H:%M"},
    },
    "mapping.toml",
)
HEADER = "Kunde;Was;Datum;Uhrzeit;Daten;Filiale\n"
GOOD = 'k1;view;01.02.2026;10:00;"{""sku"": ""w<1>"", ""preis"": 5}";Süd\n'


def samples(root: Path, *files: str) -> list[Sample]:
    for number, text in enumerate(files):
        (root / f"{number}.csv").write_text(text)
    name, bounds = os.fsencode(root), TimeBounds.at(datetime(2026, 6, 1, tzinfo=UTC))
    return [
        sample_file(name, one, number, 1000, MAPPING, bounds)
        for number, one in enumerate(sorted(find_files(name).files, key=lambda one: one.path))
    ]


def test_each_field_stands_beside_the_columns_that_it_is_made_of(tmp_path: Path) -> None:
    lines = list(side_by_side(compared_rows(samples(tmp_path, HEADER + GOOD))))
    assert lines[:2] == ["", "0.csv, line 2: an event"]
    pairs = [tuple(part.strip() for part in line.split("│")) for line in lines[2:]]
    assert pairs[0][0] == ""
    assert pairs[0][1].startswith("event_id ")
    assert pairs[1:] == [
        ("Kunde: k1", "user_id      k1"),
        ("Was: view", "action_type  view"),
        ('Daten: {"sku": "w<1>", "preis": 5}', "product_id   w<1>"),
        ("Datum: 01.02.2026", ""),
        ("Uhrzeit: 10:00", "event_time   2026-02-01 10:00:00.000000 UTC"),
        ("", "price        5"),
        ("Filiale: Süd", "extra        Filiale: Süd"),
    ]


def test_a_rejected_row_says_all_that_is_wrong_with_it_and_one_that_cannot_be_split_is_shown_raw(
    tmp_path: Path,
) -> None:
    rows = "k1;suche;31.02.2026;10:00;;\nk1;view\n"
    lines = list(side_by_side(compared_rows(samples(tmp_path, HEADER + rows))))
    faults = "missing_product_id, unknown_action_type (suche), invalid_event_time (31.02.2026 10:00)"
    assert lines[1] == f"0.csv, line 2: rejected: {faults}"
    at = lines.index("0.csv, line 3: rejected: field_count")
    assert lines[at + 1] == "  k1;view".ljust(58) + " │"


@pytest.mark.parametrize("bad", [0, 1, 3, 40])
def test_ten_rows_are_shown_of_which_some_are_rejected_ones_of_each_kind(tmp_path: Path, bad: int) -> None:
    faulty = "k;suche;01.02.2026;10:00;;\n" * bad
    other = "k;view;x;10:00;{};\n" * (bad > 0)
    rows = compared_rows(samples(tmp_path, HEADER + faulty + GOOD * 20 + other, HEADER + GOOD))
    reasons = {row.faults[0][0] for row in rows if row.faults}
    assert len(rows) == 10
    assert reasons == ({"missing_product_id"} if bad else set())
    assert sum(bool(row.faults) for row in rows) == min(bad + (bad > 0), 4)
    assert [row.line_no for row in rows] == sorted(row.line_no for row in rows)


def test_the_page_holds_the_report_and_escapes_what_files_say(tmp_path: Path) -> None:
    text = page(
        "Check <of>", ["5 < 6"], [("0.csv", compared_rows(samples(tmp_path, HEADER + GOOD + "k1;view\n")))]
    )
    assert "<title>Check &lt;of&gt;</title>" in text
    assert "<pre>5 &lt; 6</pre>" in text
    assert "w&lt;1&gt;" in text
    assert "w<1>" not in text
    assert 'class="reject"' in text
    assert "is rejected: field_count" in text
    assert "http" not in text


def test_wide_letters_keep_the_sides_apart(tmp_path: Path) -> None:
    lines = list(side_by_side(compared_rows(samples(tmp_path, HEADER + GOOD.replace("Süd", "東京")))))
    assert lines[-1] == "  Filiale: 東京" + " " * 43 + " │ extra        Filiale: 東京"
