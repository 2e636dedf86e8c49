"""What a source mapping can say of real files: each shape is read by the stream's code and by the audit's own reader,
which share none of it, and both come to the rows that are written here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from two_readers import Outcomes, agreed

from clickstream_assets.second_reader.outcomes import Event, Reject
from spark.cleaning.json_texts import json_values
from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds

ALL_TIMES = TimeBounds(EARLIEST_US, 4_000_000_000_000_000)
MAY_9 = 1_462_752_000_000_000  # 2016-05-09, midnight in UTC


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def outcomes(toml: str, content: str | bytes, relative: str = "events.csv") -> Outcomes:
        data = content.encode() if isinstance(content, str) else content
        return agreed(tmp_path, data, toml, ALL_TIMES, relative=relative)

    return outcomes


def values(found: Outcomes, *names: str) -> list[Any]:
    """Of events the named values (one alone as it is), of rejects the reason and the detail."""
    rows = []
    for row in found:
        if isinstance(row, Reject):
            rows.append((row.reason, row.detail))
        else:
            each = tuple(getattr(row, name) for name in names)
            rows.append(each[0] if len(each) == 1 else each)
    return rows


def test_a_text_in_an_encoding_that_the_mapping_names(read: Any) -> None:
    toml = '[format]\nencoding = "Windows-1252"\n[price]\ncurrency = "€"\n'
    text = "user_id,session_id,action,product_id,ts,price,shop\nJürgen,s,view,“p”,2020-01-01T00:00:00Z,5 €,Žižkov\n"
    found = read(toml, text.encode("cp1252") + b"u,s,view,p\x81,2020-01-01T00:00:00Z,,\n" + b"\xe4" * 3)
    assert values(found, "user_id", "product_id", "price", "extra") == [
        ("Jürgen", "“p”", "5", {"shop": "Žižkov"}),
        ("invalid_utf8", None),
        ("field_count", None),
    ]
    assert found[1].raw.decode("utf-8", "surrogatepass") == "u,s,view,p\udc81,2020-01-01T00:00:00Z,,"
    assert found[2].raw.decode() == "äää"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_in_utf_16(read: Any, encoding: str) -> None:
    toml = "" if encoding == "utf-16" else f'[format]\nencoding = "{encoding}"\n'
    text = "user_id;session_id;action;product_id;ts\r\nЖ😀;s;view;p;2020-01-01T00:00:00Z\r\n;s;view;p;x\r\n"
    found = read(toml, text.encode(encoding))
    assert values(found, "user_id", "event_time") == [
        ("Ж😀", 1_577_836_800_000_000),
        ("missing_user_id", None),
    ]


def test_a_producer_without_sessions(read: Any) -> None:
    found = read(
        "[fields]\nsession_id = false\n",
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,view,355908,\n"
        "1433224214164,992329,transaction,248676,4000\n",
    )
    assert values(found, "user_id", "session_id", "action_type", "extra") == [
        ("257597", None, "view", None),
        ("992329", None, "purchase", {"transactionid": "4000"}),
    ]


def test_a_column_that_rows_may_lack_need_not_be_there(read: Any) -> None:
    toml = '[events]\noptional = ["session_id", "user_id", "product_id"]\n'
    header = "user_id,action,product_id,ts\n"
    found = read(toml, header + ",view,,2020-01-01T00:00:00Z\nu,view,null,2020-01-01T00:00:00Z\n")
    assert values(found, "user_id", "session_id", "product_id") == [(None, None, None), ("u", None, None)]


def test_declared_actions_are_stored_under_their_names_and_undeclared_ones_are_rejects(read: Any) -> None:
    found = read(
        '[events]\nother_actions = ["Search", "add_to_wishlist", "page_view"]\n[actions]\nsuche = "Search"\n',
        "user_id,session_id,action,product_id,ts\n"
        "u,s,SEARCH,,2020-01-01T00:00:00Z\nu,s,suche,,2020-01-01T00:00:00Z\n"
        "u,s,add_to_wishlist,p,2020-01-01T00:00:00Z\nu,s,page_view,,2020-01-01T00:00:00Z\n"
        "u,s,view,,2020-01-01T00:00:00Z\nu,s,login,p,2020-01-01T00:00:00Z\n",
    )
    assert values(found, "action_type", "product_id") == [
        ("Search", None),
        ("Search", None),
        ("add_to_wishlist", "p"),
        ("page_view", None),
        ("missing_product_id", None),
        ("unknown_action_type", "login"),
    ]


def test_constants_and_what_the_path_says(read: Any) -> None:
    toml = (
        '[fields]\naction_type = { path = "kind" }\nevent_time = { path = "date" }\nuser_id = { constant = "guest" }\n'
        '[format]\npath = "{kind}-*.csv"\n[time]\ntime_of_day = "12:30"\nzone = "Europe/Berlin"\n'
    )
    content = "session_id,product_id\ns,p\n"
    found = read(toml, content, "bronze/date=2016-05-09/hour=03/view-0001.csv")
    assert values(found, "user_id", "action_type", "event_time") == [
        ("guest", "view", MAY_9 + 10 * 3_600_000_000 + 1_800_000_000)
    ]
    found = read(toml, content, "date=2016-05-09%2012%3A00/view-2.csv")
    assert values(found, "event_time") == [MAY_9 + 10 * 3_600_000_000]
    found = read(toml, content, "date=__HIVE_DEFAULT_PARTITION__/view-2.csv")
    assert values(found) == [("missing_event_time", None)]


def test_a_file_without_a_header(read: Any) -> None:
    toml = '[format]\nheader = ["user", "item", "category", "what", "ts"]\n[columns]\nwhat = "action_type"\n'
    toml += '[fields]\nsession_id = false\n[actions]\npv = "view"\nfav = "add_to_cart"\n'
    rows = "1,2268318,2520377,pv,1511544070\n1,2333346,2520771,fav,1511561733\n"
    expected = [("1", "2268318", "view", 1, {"category": "2520377"}), ("1", "2333346", "add_to_cart", 2)]
    for start in ("", "\ufeff"):
        found = read(toml, start + rows)
        got = values(found, "user_id", "product_id", "action_type", "line_no", "extra")
        assert [got[0], got[1][:4]] == expected
    assert [row.line_no for row in read(toml, "\n" + rows.replace(",", ";"))] == [2, 3]


def test_a_time_in_two_columns(read: Any) -> None:
    found = read(
        '[fields]\nevent_time = { join = ["Date", "Time"] }\n[time]\nformat = "%d/%m/%Y %H:%M"\n',
        "user,session,action,item,Date,Time\nu,s,view,p,09/05/2016,08:26\nu,s,view,p,09/05/2016,\n"
        "u,s,view,p,31/02/2016,08:26\n",
    )
    assert values(found, "event_time", "extra") == [
        (MAY_9 + 30_360_000_000, None),
        ("missing_event_time", None),
        ("invalid_event_time", "31/02/2016 08:26"),
    ]


@pytest.mark.parametrize(
    ("sum_", "day", "more", "expected"),
    [
        ('["day", { column = "more", unit = "ms" }]', "2016-05-09", "526309", MAY_9 + 526_309_000),
        ('["day", { column = "more", unit = "h" }]', "2016-05-09", "1.5", MAY_9 + 5_400_000_000),
        ('["day", { column = "more", unit = "s" }]', "2016-05-09", "-1.25", MAY_9 - 1_250_000),
        (
            '[{ column = "day", unit = "s" }, { column = "more", unit = "ms" }]',
            "1462752000",
            "7",
            MAY_9 + 7_000,
        ),
        ('["day", { column = "more", unit = "ns" }]', "2016-05-09", "1999.9", MAY_9 + 1),
        ('["day", { column = "more", unit = "d" }]', "2016-05-09", "1e3", "2016-05-09 + 1e3"),
        ('["day", { column = "more", unit = "d" }]', "2016-05-32", "1", "2016-05-32 + 1"),
        ('["day", { column = "more", unit = "d" }]', "2016-05-09", "9" * 18, "2016-05-09 + " + "9" * 18),
        ('["day", { column = "more", unit = "us" }]', "2016-05-09", "9" * 18, "2016-05-09 + " + "9" * 18),
    ],
    ids=[
        "day and ms",
        "hours",
        "back",
        "s and ms",
        "ns",
        "no number",
        "no day",
        "too long",
        "too long in us",
    ],
)
def test_a_moment_is_a_sum(read: Any, sum_: str, day: str, more: str, expected: int | str) -> None:
    found = read(
        f'[fields]\nevent_time = {{ sum = {sum_} }}\n[time]\ntime_of_day = "00:00"\n',
        f"user,session,action,item,day,more\nu,s,view,p,{day},{more}\nu,s,view,p,{day},\n",
    )
    missing = ("missing_event_time", None)
    if isinstance(expected, str):
        assert values(found) == [("invalid_event_time", expected), missing]
    else:
        assert values(found, "event_time", "extra") == [(expected, None), missing]


@pytest.mark.parametrize(
    ("price", "text", "expected"),
    [
        ("scale = 0.01", "1999", "19.99"),
        ("scale = 0.01", "1900", "19"),
        ("scale = 0.000001", "16990000", "16.99"),
        ("scale = 1e-6", "0", "0"),
        ("scale = 1e-10", "1", "0.0000000001"),
        ("scale = 1e-10", "15", "0.0000000015"),
        ("scale = 0.00000001", "1.23456", "0.0000000123"),
        ("scale = 100", "9.5", "950"),
        ("scale = 0.01", "-5", ("negative_price", "-5")),
        ('decimal = ","\ngrouping = "."\ncurrency = "€"', "1.234,50 €", "1234.50"),
        ('decimal = ","\ncurrency = ["€", "EUR"]', "EUR 19,90", "19.90"),
        ('currency = ["$", "US$"]', "US$5", "5"),
        ('currency = "$"', "$", ("invalid_price", "$")),
        ('currency = "$"', "$$5", ("invalid_price", "$$5")),
        ('currency = "kr."\nscale = 0.01', "500kr.", "5"),
    ],
)
def test_prices_in_cents_and_with_signs(
    read: Any, price: str, text: str, expected: str | tuple[str, str]
) -> None:
    row = f'u,s,view,p,2020-01-01T00:00:00Z,"{text}"\n'
    found = read(f"[price]\n{price}\n", "user,session,action,item,ts,price\n" + row)
    assert values(found, "price") == [expected]


def test_an_action_from_another_column(read: Any) -> None:
    toml = (
        '[fields]\naction_type = { constant = "purchase", when = [\n'
        '  { column = "InvoiceNo", starts_with = "c", then = "remove_from_cart" },\n'
        '  { column = "Quantity", below = 0, then = "remove_from_cart" },\n'
        '  { column = "StockCode", is = ["POST", "M"], then = "fee" },\n'
        '  { column = "Quantity", missing = true, then = "view" },\n'
        "] }\n"
        'session_id = "InvoiceNo"\n[events]\nother_actions = ["fee"]\n[time]\nformat = "%m/%d/%Y %H:%M"\n'
    )
    rows = [
        "536365,85123A,6,12/1/2010 8:26,2.55,17850",
        "C536379,D,-1,12/1/2010 9:41,27.50,14527",
        "536380,22961,-24,12/1/2010 9:41,1.45,17809",
        "536381,post,1,12/1/2010 9:41,18,17809",
        "536382,22961,,12/1/2010 9:41,1.45,17809",
        "536383,22961,six,12/1/2010 9:41,1.45,17809",
        "536384,22961,0.0,12/1/2010 9:41,1.45,17809",
    ]
    header = "InvoiceNo,StockCode,Quantity,InvoiceDate,UnitPrice,CustomerID\n"
    found = read(toml, header + "\n".join(rows))
    assert values(found, "action_type", "session_id", "extra") == [
        ("purchase", "536365", {"Quantity": "6"}),
        ("remove_from_cart", "C536379", {"Quantity": "-1"}),
        ("remove_from_cart", "536380", {"Quantity": "-24"}),
        ("fee", "536381", {"Quantity": "1"}),
        ("view", "536382", None),
        ("invalid_number", "six"),
        ("purchase", "536384", {"Quantity": "0.0"}),
    ]


def test_json_within_a_column(read: Any) -> None:
    toml = (
        '[fields]\nproduct_id = { column = "properties", json = "item.ids[0]" }\n'
        'price = { column = "properties", json = ["item", "unit price"] }\nsession_id = false\n'
        '[events]\nother_actions = ["search"]\n'
    )
    cells = [
        '{"item": {"ids": [18446744073709551617, 2], "unit price": 19.90}}',
        '{"item": {"ids": ["00042"]}, "q": "a\\u0000\\ud800b"}',
        '{"item": {"ids": [" "]}}',
        '{"item": {"ids": {"0": 1}}}',
        '{"item": {"ids": [{"sku": 1.50, "of": ["ä", null, true]}]}}',
        '{"item": ',
        "",
        '{"item": {"ids": [true]}}',
        '{"item": {"ids": [NaN]}}',
        "[" * 100_000,
    ]
    rows = "".join(
        'u,{},2020-01-01T00:00:00Z,"{}"\n'.format("view", cell.replace('"', '""')) for cell in cells
    )
    found = read(toml, "user,action,ts,properties\n" + rows)
    assert values(found, "product_id", "price") == [
        ("18446744073709551617", "19.90"),
        ("00042", None),
        ("missing_product_id", None),
        ("missing_product_id", None),
        ('{"sku": 1.50, "of": ["ä", null, true]}', None),
        ("invalid_json", '{"item":'),
        ("missing_product_id", None),
        ("true", None),
        ("invalid_json", '{"item": {"ids": [NaN]}}'),
        ("invalid_json", "[" * 200),
    ]
    assert isinstance(found[0], Event)
    assert found[0].extra == {"properties": cells[0]}


def test_halves_of_characters_and_nul_in_json_are_replaced(read: Any) -> None:
    cell = '{"id": "a\\u0000b\\ud800c\\ud83d\\ude00"}'.replace('"', '""')
    found = read(
        '[fields]\nuser_id = { column = "who", json = "id" }\n',
        f'session,action,item,ts,who\ns,view,p,2020-01-01T00:00:00Z,"{cell}"\n',
    )
    assert values(found, "user_id") == ["a?b?c\U0001f600"]


def test_the_first_that_is_there_and_guests(read: Any) -> None:
    toml = (
        '[fields]\nuser_id = { first = ["userId", "anonymousId", "Kunde", { join = [{ constant = "guest" }, "order"], '
        'with = "-" }] }\nsession_id = "order"\n'
    )
    header = "order,action,item,ts,userId,anonymousId\n"
    found = read(
        toml,
        header + "1,view,p,2020-01-01T00:00:00Z,u,a\n2,view,p,2020-01-01T00:00:00Z,(not set),a\n"
        "3,view,p,2020-01-01T00:00:00Z,,\n,view,p,2020-01-01T00:00:00Z,,\n",
    )
    assert values(found, "user_id", "session_id", "extra") == [
        ("u", "1", {"anonymousId": "a"}),
        ("a", "2", {"anonymousId": "a"}),
        ("guest-3", "3", None),
        ("missing_user_id", None),
    ]


def test_a_column_for_two_fields(read: Any) -> None:
    found = read(
        '[fields]\nuser_id = "sessionId"\n',
        "sessionId,action,itemId,eventdate\n1,view,2,2016-05-09T00:00:00Z\n".replace("eventdate", "ts"),
    )
    assert values(found, "user_id", "session_id", "extra") == [("1", "1", None)]


def test_a_lookup_leaves_words_that_it_does_not_list(read: Any) -> None:
    found = read(
        '[fields]\naction_type = { column = "code", lookup = { "1" = "view", "B" = "buy" } }\n',
        "user,session,code,item,ts\nu,s,1,p,2020-01-01T00:00:00Z\nu,s,b,p,2020-01-01T00:00:00Z\n"
        "u,s,9,p,2020-01-01T00:00:00Z\n",
    )
    assert values(found, "action_type") == ["view", "purchase", ("unknown_action_type", "9")]


def test_columns_that_are_part_of_the_identity(read: Any) -> None:
    rows = "u,s,purchase,p,2020-01-01T00:00:00Z,2\n" * 2 + "u,s,purchase,p,2020-01-01T00:00:00Z,3\n"
    rows += "u,s,purchase,p,2020-01-01T00:00:00Z,\n"
    content = "user,session,action,item,ts,Quantity\n" + rows
    assert len(set(values(read("", content), "event_id"))) == 1
    ids = values(read('[events]\nidentity = ["quantity"]\n', content), "event_id")
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_other_words_for_nothing_besides_the_known_ones(read: Any) -> None:
    content = "user,session,action,item,ts,price\nu,s,view,p,2020-01-01T00:00:00Z,-\n"
    content += "NA,s,view,p,2020-01-01T00:00:00Z,(not set)\n"
    found = read('[values]\nalso_nothing = ["-", "NA"]\n', content)
    assert values(found, "user_id", "price") == [("u", None), ("missing_user_id", "NA")]


def test_a_delimiter_that_the_mapping_names(read: Any) -> None:
    found = read(
        '[format]\ndelimiter = "|"\n',
        "user,session,x|action|item|ts|user_id|session_id\na,b|view|p|1577836800|u|s\n",
    )
    assert values(found, "user_id", "extra") == [("u", {"user,session,x": "a,b"})]


def test_ids_of_events_without_one_stay_what_they_are(read: Any) -> None:
    """Written down once: a change of the cleaning must not make other events of the same rows."""
    content = (
        "event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent,shop\n"
        ",u1,s1,view,p1,2026-03-01T12:00:00Z,9.99,Mozilla/5.0,a\n,u1,s1,buy,p1,1772366400123,5.5,,b\n"
        "order-7,u1,s1,view,p1,2026-03-01T12:00:00Z,,,\n, ü ,s1,view,p1,2026-03-01 13:00:00+01:00,null,-,\n"
    )
    assert values(read("", content), "event_id") == [
        "05df0919-8f31-5489-a377-063ebbb63f3c",
        "393c2a6e-543f-56c2-8b96-f8fc4152d71f",
        "82cdc45a-a3f7-53cd-9609-7c563145e10e",
        "30af3960-7215-5768-95e4-52f3c6e47a57",
    ]


def test_json_that_lies_too_deep_is_none(read: Any) -> None:
    toml = '[fields]\nproduct_id = { column = "props", json = "a" }\n'
    texts = ["[" * deep + "]" * deep for deep in (198, 199, 200, 600, 3_000)]
    rows = [f'u,s,view,"{{""a"":{text},""b"":-0}}",2020-01-01T00:00:00Z' for text in texts]
    found = read(toml, "\n".join(["user_id,session_id,action,props,ts", *rows, ""]))
    reasons = ["id_too_long"] * 2 + ["invalid_json"] * 3
    assert [row.reason for row in found] == reasons


@given(
    st.lists(
        st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists),
        min_size=1,
    )
)
def test_a_value_of_json_is_the_same_whoever_decodes_it(values: list[Any]) -> None:
    texts = [
        json.dumps({"a": value, "b": {"c": value}}, ensure_ascii=bool(at % 2))
        for at, value in enumerate(values)
    ]
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    column = pa.array(
        [*texts, '{"a":-0}', '{"a":1e5,"a":1.50}', '{"a":9007199254740993}', "{", "01"], pa.string()
    )
    quick, wrong = json_values(column, [("a",), ("b", "c")])
    with patch("spark.cleaning.json_texts.DEEPEST", -1):
        exact, also_wrong = json_values(column, [("a",), ("b", "c")])
    assert [one.to_pylist() for one in quick] == [one.to_pylist() for one in exact]
    assert wrong.tolist() == also_wrong.tolist()
    assert quick[0].to_pylist()[-5:] == ["-0", "1.50", "9007199254740993", None, None]
