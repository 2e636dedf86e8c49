"""What `check-source` says of files of strangers, and proposes for them: nothing is said to be there that is not, and
what could be two things is said to be in doubt."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from test_proposals import Folder

from spark.mapping.mapping_file import mapping_of
from spark.mapping.source_mapping import SourceMapping
from spark.sample.report import report

HEADER = "user_id,session_id,action,product_id,ts\n"
ROW = "u,s,view,p,2026-03-01T10:00:00Z\n"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def said(folder: Folder) -> str:
    """The report without a mapping."""
    lines, _ = report(folder.sampled(SourceMapping()), 1, SourceMapping())
    return "\n".join(lines)


def objects(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_a_field_that_no_object_has_is_missing_and_is_looked_for_within_them(folder: Folder) -> None:
    shared = {"event": "Product Viewed", "timestamp": "2026-03-01T10:00:00Z", "userId": None}
    rows = [
        shared | {"anonymousId": f"a{at}", "context": {"sessionId": at}, "properties": {"sku": "p"}}
        for at in (1, 2)
    ]
    folder.write(objects(*rows), "track.json")
    text = said(folder)
    assert "session_id     MISSING in all objects" in text
    assert "user_id        MISSING in all objects" in text
    assert "missing_session_id" not in text
    proposal, mapping = folder.propose()
    assert '"anonymousId" = "user_id"' in proposal
    found = folder.events(mapping, "user_id", "session_id", "product_id")
    assert found == [("a1", "1", "p"), ("a2", "2", "p")]


def test_columns_that_could_be_the_same_field_are_named(folder: Folder) -> None:
    folder.write(
        "client_id,customer_id,session,product,sku,action,created_at,timestamp,ts,email\n"
        "shop,u,s,Red shoe,p,view,2026-03-01T10:00:00Z,2026-03-01T10:00:01Z,,a@example.com\n"
    )
    text = said(folder)
    assert "user_id        client_id   (or customer_id? [columns] decides)" in text
    assert "product_id     product   (or sku? [columns] decides)" in text
    assert "event_time     created_at   (or timestamp? [columns] decides)" in text
    proposal, mapping = folder.propose()
    assert (
        "# DOUBTFUL: user_id is client_id, by its name; or is it customer_id? [columns] decides." in proposal
    )
    lines, _ = report(folder.sampled(mapping), 1, SourceMapping(columns={"client_id": "user_id"}))
    assert not any("customer_id?" in line for line in lines)


def test_a_header_in_mid_file_is_one_fault_and_no_action(folder: Folder) -> None:
    folder.write(HEADER + ROW + HEADER + ROW)
    text = said(folder)
    assert "repeated_header               1" in text
    assert "unknown_action_type" not in text
    assert "other_actions" not in folder.propose()[0]


@pytest.mark.parametrize(
    ("word", "again"), [("Login", "LOGIN"), ("a\x01b", "c\x7fd"), ('a"b', "c\\d"), ("x" * 101, "y")]
)
def test_whatever_stands_in_a_file_its_proposal_can_be_read(folder: Folder, word: str, again: str) -> None:
    rows = [f'u,s,"{text}",p,2026-03-01T10:00:00Z\n'.replace('a"b', 'a""b') for text in (word, again, "view")]
    folder.write(f"a\x01,user,sess{word[0]},sess{word[0]},was,was,x\n".replace("a\x01", "kunde\x01", 1))
    (folder.root / "b.csv").write_text("kunde,besuch,was,artikel,wann\n" + "".join(rows))
    folder.propose()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2014-12-06 02", "%Y-%m-%d %H"),
        ("March 1, 2026, 10:15 am", "%B %d, %Y, %I:%M %p"),
        ("01-MAR-26 10.00.00.000000000 AM", "%d-%b-%y %I.%M.%S.%f %p"),
        ("[01/Mar/2026:10:00:00 +0100]", "[%d/%b/%Y:%H:%M:%S %z]"),
        ("Sun Mar 01 10:00:00 +0000 2026", "%a %b %d %H:%M:%S %z %Y"),
        ("2026-3-1 8:05:00", "%Y-%m-%d %H:%M:%S"),
    ],
)
def test_more_kinds_of_times_are_recognised(folder: Folder, text: str, form: str) -> None:
    folder.write(HEADER + f'u,s,view,p,"{text}"\n')
    proposal, mapping = folder.propose()
    assert f'format = "{form}"' in proposal
    assert folder.outcome(mapping) == (1, 0)


def test_a_time_of_which_nothing_is_known_is_said_to_be_missing(folder: Folder) -> None:
    folder.write(HEADER + "u,s,view,p,erster März\n")
    assert "# MISSING: format. None that is known fits 'erster März'." in folder.propose()[0]


def test_the_days_of_a_spreadsheet_are_recognised(folder: Folder) -> None:
    folder.write(HEADER + "u,s,view,p,46082.5\nu,s,view,p,46083\n")
    proposal, mapping = folder.propose()
    assert "# DOUBTFUL: ts looks like the days of a spreadsheet, from 1900 on." in proposal
    times = [f"{time:%Y-%m-%d %H:%M}" for (time,) in folder.events(mapping, "event_time")]  # type: ignore[str-format]
    assert times == ["2026-03-01 12:00", "2026-03-02 00:00"]


def test_numbers_of_articles_are_no_days(folder: Folder) -> None:
    folder.write("1,2520377,25203771,pv,1511544070\n2,2520771,25207711,cart,1511561733\n")
    proposal, _ = folder.propose()
    assert '"column_5" = "event_time"' in proposal


def test_a_number_that_few_rows_have_is_no_session(folder: Folder) -> None:
    row = "u,view,p,2026-03-01T10:00:00Z"
    folder.write(f"user_id,action,product_id,ts,transactionid\n{row},\n{row},\n{row},4000\n")
    assert "session_id = false" in folder.propose()[0]


def test_brackets_around_prices_are_no_signs_of_a_currency(folder: Folder) -> None:
    rows = "".join(f"u,s,view,p,2026-03-01T10:00:00Z,{price}\n" for price in ("(5.00)", "\u22125", "$5.00"))
    folder.write(HEADER.strip() + ",price\n" + rows)
    proposal, mapping = folder.propose()
    assert 'currency = ["$"]' in proposal
    assert folder.outcome(mapping) == (1, 2)


@pytest.mark.parametrize("sign", ["'", "\u2019", "\u00a0"])
def test_signs_between_thousands_other_than_commas(folder: Folder, sign: str) -> None:
    folder.write(HEADER.strip() + f",price\nu,s,view,p,2026-03-01T10:00:00Z,CHF 1{sign}234.50\n")
    _, mapping = folder.propose()
    assert folder.events(mapping, "price") == [("1234.50",)]


def _tar() -> bytes:
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())
    return output.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (_tar(), "It is tar: only CSV"),
        (gzip.compress(_tar(), mtime=0), "It is tar within gzip, where only text is read."),
        (
            gzip.compress(gzip.compress(HEADER.encode(), mtime=0), mtime=0),
            "It is gzip within gzip, where only text is read.",
        ),
        (gzip.compress(b"PAR1" + bytes(100), mtime=0), "It is Parquet within gzip, where only text is read."),
        (b"Obj\x01\x04\x14avro.codec", "It is Avro: only CSV"),
        (b"ORC\n" * 9, "It is ORC: only CSV"),
        (b'[["u", "s"], ["v", "s"]]\n', "None of its values is an object in JSON"),
        (b"ARROW1\0\0", "It is a file of Arrow (Feather): only CSV"),
        (b"\n<!DOCTYPE HTML>\n<html><title>user, session</title>\n", "It is HTML: only CSV"),
        (b"{'user_id': 'u'}\n", "None of its lines is an object in JSON"),
    ],
)
def test_what_else_a_file_is_is_said(folder: Folder, content: bytes, sentence: str) -> None:
    (folder.root / "a").write_bytes(content)
    text = said(folder)
    assert sentence in text
    assert "field_count" not in text


def test_named_parameters_of_google_analytics_are_found(folder: Folder) -> None:
    def hit(session: int) -> Any:
        params = [
            {"key": "page", "value": {"string_value": "https://example.com/a/b/c"}},
            {"key": "ga_session_id", "value": {"int_value": session}},
        ]
        shared = {"event_name": "view_item", "event_timestamp": "1612069510766593", "user_pseudo_id": "1.2"}
        return shared | {"event_params": params, "items": [{"item_id": "p"}]}

    folder.write(objects(hit(17), hit(18)), "events.json")
    proposal, mapping = folder.propose()
    path = '[{ "key" = "ga_session_id" }, "value", "int_value"]'
    assert f'session_id = {{ column = "event_params", json = {path} }}' in proposal
    assert folder.events(mapping, "session_id", "product_id") == [("17", "p"), ("18", "p")]
    lines, _ = report(folder.sampled(mapping), 1, mapping)
    assert any("[key=ga_session_id].value.int_value in the JSON of event_params" in line for line in lines)


@pytest.mark.parametrize("ids", [("17850.0", "7.0"), ("17850.0", "7"), ("17850", "7")])
def test_ids_that_became_floats_are_said_to_be_so(folder: Folder, ids: tuple[str, str]) -> None:
    folder.write(HEADER + "".join(ROW.replace("u", each, 1) for each in ids), "events.csv")
    assert ("user_id ends in .0" in said(folder)) is (ids == ("17850.0", "7.0"))
    mapping = mapping_of({"fields": {"user_id": {"column": "user_id", "before": ".0"}}}, "mapping.toml")
    assert folder.events(mapping, "user_id") == [("17850",), ("7",)]


@pytest.mark.parametrize("text", ["a\\\\b", "a\\tb", "\\N", "a\\b", "ab"])
@pytest.mark.parametrize("escape", ["backslash", None])
def test_backslashes_of_databases_are_said_to_be_so(folder: Folder, text: str, escape: str | None) -> None:
    form = {"quotes": "none"} | ({} if escape is None else {"escape": escape})
    mapping = mapping_of({"format": form}, "mapping.toml")
    folder.write(f"{HEADER.strip()},more\n{ROW.strip()},{text}\n", "events.csv")
    lines, _ = report(folder.sampled(mapping), 1, mapping)
    is_said = any("1 rows have \\t, \\n" in line for line in lines)
    assert is_said is (escape is None and text not in ("a\\b", "ab"))


def test_each_item_of_a_list_is_proposed_to_be_an_event(folder: Folder) -> None:
    order = {"user": "u", "session": "s", "action": "purchase", "ts": "2026-03-01T10:00:00Z"}
    cart = {"cart": {"lines": [{"sku": "a", "price": 1.5}, {"sku": "b", "price": 2.5}]}}
    folder.write(json.dumps([order | cart]), "orders.json")
    proposal, mapping = folder.propose()
    assert 'items = ["cart", "lines"]' in proposal
    assert folder.events(mapping, "product_id", "price") == [("a", "1.5"), ("b", "2.5")]


@pytest.mark.parametrize("sign", ["\x01", "~", " "])
def test_a_rarer_delimiter_is_proposed(folder: Folder, sign: str) -> None:
    folder.write((HEADER + ROW * 3).replace(",", sign), "events.csv")
    proposal, mapping = folder.propose()
    assert mapping.delimiter == sign
    assert "DOUBTFUL: most lines have as many of it as the first" in proposal
    assert folder.events(mapping, "user_id") == [("u",)] * 3
