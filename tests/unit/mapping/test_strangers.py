"""What files of strangers have shown: values that were read otherwise than they are written. Both readers agree on
what is right."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from test_mapping_language import MAY_9, values
from two_readers import Cut, Outcomes, agreed

from clickstream_assets.errors import SettingsError
from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds
from spark.mapping.mapping_file import mapping_of

ALL_TIMES = TimeBounds(EARLIEST_US, 4_000_000_000_000_000)
DAY = 86_400_000_000


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def outcomes(toml: str, content: str, relative: str = "events.csv") -> Outcomes:
        return agreed(tmp_path, content.encode(), toml, ALL_TIMES, relative=relative)

    return outcomes


def test_a_header_in_mid_file_is_no_event_where_the_time_comes_from_the_path(read: Any) -> None:
    toml = (
        '[fields]\naction_type = { constant = "view" }\nevent_time = { path = "date" }\n'
        'price = { column = "props", json = "price" }\n[time]\ntime_of_day = "12:00"\n'
    )
    header = "User-Id,session_id,product_id,props,\n"
    content = (
        f'{header}u1,s,p,"{{""price"":5}}",\n{header}u2,s,p,,x\n USER-ID ,session_id,product_id,props,\n'
    )
    found = read(toml, content, "date=2016-05-09/a.csv")
    assert values(found, "user_id", "price", "event_time") == [
        ("u1", "5", MAY_9 + DAY // 2),
        ("repeated_header", "2016-05-09"),
        ("u2", None, MAY_9 + DAY // 2),
        ("repeated_header", "2016-05-09"),
    ]


def test_a_header_is_no_event_where_a_case_gives_the_time(read: Any) -> None:
    case = '{ column = "ts", starts_with = "t", then = "2020-01-01 00:00:00" }'
    toml = f'[fields]\nevent_time = {{ column = "ts", when = [{case}] }}\naction_type = {{ constant = "view" }}\n'
    header = "user_id,session_id,product_id,ts\n"
    found = read(toml, f"{header}u,s,p,today\n{header}")
    assert values(found, "user_id") == ["u", ("repeated_header", "2020-01-01 00:00:00")]


@pytest.mark.parametrize(
    ("form", "text", "is_read"),
    [
        ("%Y%m%d %H:%M", "20160509 00:00", True),
        ("%Y%m%d %H:%M", "2016509 00:00", False),  # the ninth of May, or the 50th of September
        ("%Y%m%d %H:%M", "2016111 00:00", False),  # in January, or in November
        ("%Y%m%d%H%M%S", "201605090000", False),
        ("%d%b%Y %H:%M", "9May2016 00:00", True),
        ("%d.%m.%Y %H:%M", "9.5.2016 0:0", True),
        ("%Y-%m-%d %H%M", "2016-5-09 0000", True),
        ("%Y-%m-%d %H%M", "2016-5-09 000", False),
        ("%m1%d/%Y %H:%M", "05109/2016 00:00", True),
        ("%m1%d/%Y %H:%M", "5109/2016 00:00", False),
    ],
)
def test_a_number_that_touches_another_one_has_all_of_its_digits(
    read: Any, form: str, text: str, is_read: bool
) -> None:
    found = read(f'[time]\nformat = "{form}"\n', f"user,session,action,item,ts\nu,s,view,p,{text}\n")
    expected = MAY_9 if is_read else ("invalid_event_time", text)
    assert values(found, "event_time") == [expected]


@pytest.mark.parametrize(
    ("serial", "micros"),
    [
        ("42499.5", DAY // 2),
        ("42499.3541666667", 30_600_000_002),  # 08:30 in fifteen digits: 2.88 µs late
        ("42499.354166666666666667", 30_600_000_000),
        ("42499.0000115740740740740740740740740", 999_999),
        ("42499.000011574074074075", 1_000_000),
        ("42499.", 0),
        ("42499.000000000000000001", 0),
    ],
)
def test_the_days_of_a_spreadsheet_are_read_to_the_microsecond(read: Any, serial: str, micros: int) -> None:
    toml = (
        '[fields]\nevent_time = { sum = [{ constant = "1899-12-30" }, { column = "ts", unit = "d" }] }\n'
        '[time]\ntime_of_day = "00:00"\n'
    )
    found = read(toml, f"user,session,action,item,ts\nu,s,view,p,{serial}\n")
    assert values(found, "event_time") == [MAY_9 + micros]


@pytest.mark.parametrize("sign", ["-", "\u2212", "\u2013", "(", ")", "$-", "%", "5", "\u0663"])
def test_what_may_mean_minus_is_no_sign_of_a_currency(sign: str) -> None:
    with pytest.raises(SettingsError, match="is no sign of a currency"):
        mapping_of({"price": {"currency": [sign]}}, "mapping.toml")


def test_the_item_of_a_list_is_found_by_one_of_its_values(read: Any) -> None:
    toml = (
        '[fields]\nsession_id = { column = "params", json = "[key=ga_session_id].value.int_value" }\n'
        'product_id = { column = "params", json = [{ "the.key" = "7" }, "value"] }\nprice = false\n'
        '[events]\noptional = ["session_id", "product_id"]\n'
    )
    params = [
        [
            {"key": "page", "value": {"string_value": "x"}},
            {"key": "ga_session_id", "value": {"int_value": 17}},
        ],
        [{"key": "ga_session_id"}, {"key": "ga_session_id", "value": {"int_value": 18}}],
        [{"the.key": 7, "value": "p"}, {"the.key": "7", "value": "q"}],
        [{"the.key": "77", "value": "p"}, {"the.key": None}, 7, "7"],
        {"key": "ga_session_id", "value": 5},
        [],
    ]
    shared = {"user_id": "u", "action": "view", "ts": "2020-01-01T00:00:00Z"}
    found = read(toml, "".join(json.dumps(shared | {"params": each}) + "\n" for each in params))
    assert values(found, "session_id", "product_id") == [
        ("17", None), (None, None), (None, "p"), (None, None), (None, None), (None, None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "path", ['"[=x]"', '"[key=]"', "[{ key = 1 }]", '[{ a = "b", c = "d" }]', '"a[key=x"']
)
def test_a_path_that_means_nothing_is_refused(path: str) -> None:
    tables = tomllib.loads(f'[fields]\nuser_id = {{ column = "c", json = {path} }}\n')
    with pytest.raises(SettingsError, match=r"json is a path|cannot be read"):
        mapping_of(tables, "mapping.toml")


def test_without_quotes_a_quote_is_a_part_of_the_text(read: Any) -> None:
    toml = '[format]\nquotes = "none"\n'
    header = 'user_id\tsession_id\taction\tproduct_id\tts\t"query"\n'
    texts = ['"red shoes"', '"blue', '5" pipe', "x\\ty", '""', "", "a\rb", '"', 'a","b']
    rows = [f"u\ts\tview\tp\t2020-01-01T00:00:00Z\t{text}\n" for text in texts]
    for end in ("\n", "\r\n"):
        found = read(toml, (header + "".join(rows) + "u\ts\n").replace("\n", end), "a.tsv")
        assert values(found, "extra") == [
            *({'"query"': text} for text in texts[:5]),
            None,
            ("field_count", None),
            *({'"query"': text} for text in texts[7:]),
            ("field_count", None),
        ]
    without = read(
        '[format]\nquotes = "none"\nheader = ["user", "session", "a\\"", "action"]\n[fields]\n'
        'product_id = false\nevent_time = { constant = "2020-01-01 00:00" }\n',
        'u|"s|x|view\n"v|s|y"|view\n',
    )
    assert values(without, "user_id", "session_id") == [("u", '"s'), ('"v', "s")]


ROWS = "a,s,view,p,2020-01-01T00:00:00Z,\nb,s,view,p,2020-01-01T00:00:00Z,\n"
NAMES = "user,session,action,item,ts"


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (NAMES, ROWS, [None, None]),
        (NAMES, ROWS.replace("\n", "\r\n"), [None, None]),
        (NAMES, ROWS.replace("view", '"view"'), [None, None]),
        (NAMES + ",", ROWS, [None, None]),
        (NAMES + ",", ROWS.replace(",\n", "\n"), [None, None]),
        (NAMES, ROWS + "c,s,view,p,2020-01-01T00:00:00Z\n", [*[("field_count", None)] * 2, None]),
        (NAMES, ROWS + "c,s,view,p,2020-01-01T00:00:00Z,x\n", [("field_count", None)] * 3),
        (NAMES + ",", ROWS.replace(",\n", "\n", 1), [("field_count", None), None]),
        (NAMES, ROWS + "Total: 2\n", [None, None, ("field_count", None)]),
        (NAMES + ",", ROWS.replace(",\n", "\n") + "Total: 2\n", [None, None, ("field_count", None)]),
        (NAMES, ROWS.partition("\n")[0] + "\nTotal\n", [("field_count", None)] * 2),
        (NAMES, ROWS * 50 + "c,s,view,p,2020-01-01T00:00:00Z,x\n", [*[None] * 100, {"column_6": "x"}]),
    ],
)
def test_a_delimiter_at_the_end_of_all_rows_or_of_the_header_alone_is_no_field(
    read: Any, header: str, rows: str, expected: list[Any]
) -> None:
    assert values(read("", f"{header}\n{rows}"), "extra") == expected


TITLES = "# Web, all\n#\n# 2020-01-01\n\n"


@pytest.mark.parametrize(
    ("toml", "content", "lines"),
    [
        ('comment = "#"', TITLES + NAMES + "\n" + ROWS.replace(",\n", "\n"), [6, 7]),
        ('comment = "#"', "\ufeff" + TITLES + NAMES + "\n" + ROWS.replace(",\n", "\n"), [6, 7]),
        ("skip_lines = 3", TITLES + NAMES + "\n" + ROWS.replace(",\n", "\n"), [6, 7]),
        ("skip_lines = 2", "user,session\n1,2\n" + NAMES + "\n" + ROWS.replace(",\n", "\n"), [4, 5]),
        ("skip_lines = 1", 'An "open title\n' + NAMES + "\n" + ROWS.replace(",\n", "\n"), [3, 4]),
        (
            'skip_lines = 1\ncomment = "--"',
            "x\n--\n-- y\n" + NAMES + "\n" + ROWS.replace(",\n", "\n"),
            [5, 6],
        ),
        ('comment = "#"\nheader = ["user", "session", "action", "item", "ts"]', TITLES + ROWS, [5, 6]),
        (
            'skip_lines = 1\nheader = ["user", "session", "action", "item", "ts"]',
            "u,s,a,i,t\n" + ROWS,
            [2, 3],
        ),
    ],
)
def test_lines_before_the_header_are_passed_over_where_the_mapping_says_so(
    read: Any, tmp_path: Path, toml: str, content: str, lines: list[int]
) -> None:
    found = read(f"[format]\n{toml}\n", content)
    assert values(found, "user_id", "line_no") == list(zip("ab", lines, strict=True))
    small = agreed(tmp_path, content.encode(), f"[format]\n{toml}\n", ALL_TIMES, cut=Cut(block_bytes=5))
    assert small == found
