"""What `check-source --propose` writes for files of other producers, and what it is worth on the same files."""

from __future__ import annotations

import os
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from spark.cleaning.time_bounds import TimeBounds
from spark.mapping.mapping_file import mapping_of
from spark.mapping.source_mapping import SourceMapping
from spark.sample.proposing import proposed
from spark.sample.report import report
from spark.sample.sampling import Sample, find_files, sample_file

BOUNDS = TimeBounds.at(datetime(2026, 6, 1, tzinfo=UTC))


class Folder:
    """Files of a producer, and what is proposed for them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, text: str, name: str = "a.csv", encoding: str = "utf-8") -> Folder:
        (self.root / name).write_bytes(text.encode(encoding))
        return self

    def sampled(self, mapping: SourceMapping) -> list[Sample]:
        root = os.fsencode(self.root)
        found = find_files(root).files
        return [sample_file(root, one, number, 1000, mapping, BOUNDS) for number, one in enumerate(found)]

    def propose(self) -> tuple[str, SourceMapping]:
        text = proposed(self.sampled)
        assert text is not None
        return text, mapping_of(tomllib.loads(text), "mapping.toml")

    def outcome(self, mapping: SourceMapping) -> tuple[int, int]:
        """Events and rejects."""
        samples = self.sampled(mapping)
        assert all(sample.layout is not None for sample in samples), [sample.detail for sample in samples]
        cleaned = [sample.cleaned for sample in samples if sample.cleaned is not None]
        return sum(len(one.events) for one in cleaned), sum(len(one.rejects) for one in cleaned)

    def events(self, mapping: SourceMapping, *names: str) -> list[tuple[object, ...]]:
        (sample,) = self.sampled(mapping)
        assert sample.cleaned is not None
        return [tuple(row[name] for name in names) for row in sample.cleaned.events.to_pylist()]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.mark.parametrize(("written", "proposed"), [("cp1252", "windows-1252"), ("utf-16-le", "utf-16-le")])
def test_an_encoding_is_guessed(folder: Folder, written: str, proposed: str) -> None:
    header, row = "user_id,session_id,action,product_id,ts", "Jürgen,s,view,p,2026-03-01T00:00:00Z"
    folder.write(f"{header}\n{row}\n{row}\n", encoding=written)
    text, mapping = folder.propose()
    assert f'encoding = "{proposed}"' in text
    assert "DOUBTFUL: the text is not UTF-8" in text
    assert folder.events(mapping, "user_id") == [("Jürgen",), ("Jürgen",)]


def test_one_broken_row_is_no_other_encoding(folder: Folder) -> None:
    row = "u,s,view,p,2026-03-01T00:00:00Z\n"
    content = f"user_id,session_id,action,product_id,ts\n{row}{row}".encode() + b"\0,s,view,p,x\n"
    (folder.root / "a.csv").write_bytes(content)
    text, mapping = folder.propose()
    assert "encoding" not in text
    assert folder.outcome(mapping) == (2, 1)


def test_what_is_known_by_its_name_needs_no_line(folder: Folder) -> None:
    folder.write(
        "user_id,user_session,event_type,product_id,event_time,price\nu,s,cart,p,2020-01-01T00:00:00Z,1\n"
    )
    text, _ = folder.propose()
    assert all(line.startswith("#") for line in text.splitlines())
    assert "# session_id is user_session, by its name." in text


def test_a_producer_without_sessions(folder: Folder) -> None:
    folder.write("timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n")
    text, mapping = folder.propose()
    assert (
        "# DOUBTFUL: no column looks like a session; an order would be one, too\nsession_id = false" in text
    )
    assert folder.outcome(mapping) == (1, 0)


def test_a_file_without_a_header(folder: Folder) -> None:
    folder.write(
        "1,2268318,2520377,pv,1511544070\n1,2333346,2520771,fav,1511561733\n1,2576651,149192,buy,1511572885\n"
    )
    text, mapping = folder.propose()
    assert mapping.header == ("column_1", "column_2", "column_3", "column_4", "column_5")
    assert mapping.columns["column_4"] == "action_type"
    assert mapping.columns["column_5"] == "event_time"
    assert mapping.other_actions == ("fav",)
    assert "the first line looks like a row" in text


def test_purchases_and_returns_by_the_sign_of_a_quantity(folder: Folder) -> None:
    folder.write(
        "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\n536365,85123A,6,12/1/2010 8:26,2.55,17850\n"
        "536366,85123A,2,12/13/2010 8:28,2.55,\nC536379,D,-1,12/1/2010 9:41,27.50,14527\n"
    )
    text, mapping = folder.propose()
    assert mapping.time_format == "%m/%d/%Y %H:%M"
    assert '# optional = ["user_id"]   # 33% of the rows lack user_id' in text
    assert "[columns]" not in text
    assert folder.events(mapping, "action_type", "session_id") == [
        ("purchase", "536365"),
        ("remove_from_cart", "C536379"),
    ]


@pytest.mark.parametrize(
    ("head", "cells", "form"),
    [
        ("Datum;Uhrzeit", "31.01.2020;23:59", "%d.%m.%Y %H:%M"),
        ("Datum;Uhrzeit", "31.01.2020;23:59:58", "%d.%m.%Y %H:%M:%S"),
        ("Date;Time of day", "1/31/2020;11:59 PM", "%m/%d/%Y %I:%M %p"),
    ],
)
def test_a_time_in_two_columns(folder: Folder, head: str, cells: str, form: str) -> None:
    folder.write(f"Kunde;Besuch;Aktion;Artikel;{head}\nk;b;angesehen;w;{cells}\n")
    _, mapping = folder.propose()
    assert mapping.time_format == form
    assert mapping.actions == {"angesehen": "view"}
    assert folder.outcome(mapping) == (1, 0)


def test_a_day_and_milliseconds_after_it(folder: Folder) -> None:
    folder.write("sessionId;userId;itemId;timeframe;eventdate\n1;NA;81766;526309;2016-05-09\n1;NA;31331;1031018;2016-05-09\n",
                 "train-item-views.csv")  # fmt: skip
    text, mapping = folder.propose()
    assert '# DOUBTFUL: as the names of the files say\naction_type = { constant = "view" }' in text
    assert '# DOUBTFUL: these look like words for no value\nalso_nothing = ["NA"]' in text
    assert "timeframe looks like a time after the day; is the unit right?" in text
    assert folder.outcome(mapping) == (0, 2)  # the users are missing, which the mapping leaves to be said
    tables = tomllib.loads(text) | {"events": {"optional": ["user_id"]}}
    (first, _) = folder.events(mapping_of(tables, "m.toml"), "event_time")
    assert first == (datetime(2016, 5, 9, 0, 8, 46, 309000, tzinfo=UTC),)


def test_european_prices(folder: Folder) -> None:
    folder.write(
        "Kundennummer;Sitzung;Ereignis;Artikelnummer;Zeitpunkt;Preis\nk;s;gekauft;w;2020-01-31T23:59:58Z;1.234,50 €\n"
        "k;s;Suche;w;2020-01-31T23:59:58Z;19,90 €\n"
    )
    _, mapping = folder.propose()
    assert (mapping.price.decimal, mapping.price.grouping, mapping.price.currency) == (",", ".", ("€",))
    assert folder.events(mapping, "action_type", "price") == [("purchase", "1234.50"), ("Suche", "19.90")]


def test_whole_numbers_may_be_cents(folder: Folder) -> None:
    folder.write("user_id,session,action,item,ts,price\nu,s,view,p,2020-01-01T00:00:00Z,1999\n")
    text, _ = folder.propose()
    assert "# scale = 0.01   # the prices are whole numbers: cents?" in text


def test_values_within_json(folder: Folder) -> None:
    cell = '"{""item"": {""sku"": ""a1"", ""unit_price"": 5.50}, ""session"": ""s""}"'
    folder.write(f"user,event,ts,properties\nu,view,2020-01-01T00:00:00Z,{cell}\n")
    _, mapping = folder.propose()
    assert folder.events(mapping, "product_id", "price", "session_id") == [("a1", "5.50", "s")]


def test_days_and_months_that_could_be_either_are_in_doubt(folder: Folder) -> None:
    folder.write("user_id,session,action,item,ts\nu,s,view,p,01/02/2020 10:00:00\n")
    text, _ = folder.propose()
    assert (
        '# DOUBTFUL: the first that fits; %m/%d/%Y %H:%M:%S would do, too\nformat = "%d/%m/%Y %H:%M:%S"'
        in text
    )
    assert '# zone = "Europe/Berlin"' in text


def test_of_several_headers_the_one_with_the_most_rows_is_proposed_for(folder: Folder) -> None:
    folder.write("kunde,x\nk,1\n", "a.csv")
    folder.write(
        "visitorid,event,itemid,timestamp\n1,view,2,1433221332117\n1,view,2,1433221332117\n", "b.csv"
    )
    text, _ = folder.propose()
    assert "# user_id is visitorid, by its name." in text
    assert "# Other files have other columns (2): give them a mapping of their own." in text


def test_odd_texts_make_no_odd_toml(folder: Folder) -> None:
    folder.write(
        'user_id,session,"was ""x""\\",item,ts\nu,s,"a ""b"" \\ c",p,2020-01-01T00:00:00Z\nu,s,view,p,x\n'
    )
    _, mapping = folder.propose()
    assert mapping.other_actions == ('a "b" \\ c',)
    assert report(folder.sampled(mapping), 1, mapping)
