"""The audit's own reading of rows: values, identities, and the first reason for which a row is none."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from clickstream_assets.contract import FIELDS, IDENTITY, NAMESPACE, REQUIRED
from clickstream_assets.errors import SettingsError
from clickstream_assets.second_reader.layout import BACKSLASH, DOUBLED, FileLayout
from clickstream_assets.second_reader.mapping import AuditMapping, parse_audit_mapping, read_audit_mapping
from clickstream_assets.second_reader.outcomes import Event, Reject
from clickstream_assets.second_reader.reader import read_bytes
from clickstream_assets.second_reader.rows import Bounds
from clickstream_assets.second_reader.texts import BLANKS

HEADER = "event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent,shop,\n"
ID = "0190A0B1-c2d3-4e5f-8a9b-0c1d2e3f4a5b"
GOOD = {
    "event_id": ID,
    "user_id": "u",
    "session_id": "s",
    "action_type": "view",
    "product_id": "p",
    "event_time": "2026-03-01T12:00:00Z",
    "price": "5.50",
    "user_agent": "ua",
    "shop": "",
    "last": "",
}
NOON = 1_772_366_400_000_000


def read(*rows: dict[str, str], **settings: Any) -> list[Event | Reject]:
    """Rows like the good one but for what they say."""
    lines = [",".join(_quoted(value) for value in (GOOD | row).values()) for row in rows]
    return read_bytes((HEADER + "\n".join(lines)).encode(), **settings)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def event(row: dict[str, str], **settings: Any) -> Event:
    (found,) = read(row, **settings)
    assert isinstance(found, Event), found
    return found


def reject(row: dict[str, str], **settings: Any) -> Reject:
    (found,) = read(row, **settings)
    assert isinstance(found, Reject), found
    return found


def test_an_event_has_the_fields_of_the_contract_in_their_order() -> None:
    assert Event._fields == ("line_no", *FIELDS, "extra")
    assert set(IDENTITY) <= set(FIELDS)


def test_a_good_row_is_an_event_with_its_values() -> None:
    assert event({}) == Event(2, ID.lower(), "u", "s", "view", "p", NOON, "5.50", "ua", None)


@pytest.mark.parametrize("blank", BLANKS)
def test_our_fields_lose_blanks_at_their_ends(blank: str) -> None:
    row = {
        name: f"{blank}{value}{blank}{blank}" for name, value in GOOD.items() if name not in ("shop", "last")
    }
    assert event(row) == event({})
    assert event({"user_id": f"a{blank}b"}).user_id == f"a{blank}b"


@pytest.mark.parametrize("other", ["\u180e", "\x1c", "\x1f", "\u00ad", "\u200c", "\u2061"])
def test_other_characters_that_nobody_sees_stay(other: str) -> None:
    assert event({"user_id": other + "u"}).user_id == other + "u"


@pytest.mark.parametrize(
    "word",
    ["", " ", "null", "NULL", "None", "undefined", "(not set)", "(NOT SET)", "\\N", "\\n", "NaN", "n/a", "N/A",
     "#N/A", "<NA>", "NaT", "nil", "\u00a0null\ufeff"],
)  # fmt: skip
def test_words_for_nothing_are_no_value(word: str) -> None:
    found = event({"price": word, "user_agent": word})
    assert (found.price, found.user_agent) == (None, None)
    assert reject({"user_id": word}).reason == "missing_user_id"


@pytest.mark.parametrize("word", ["nulls", "-", "0", "nan.", "NA", "\u212annn"])
def test_other_words_are_values(word: str) -> None:
    assert event({"user_id": word}).user_id == word


def test_a_mapping_may_replace_the_words_for_nothing() -> None:
    mapping = AuditMapping(nothing=["-", "NA"])
    assert event({"user_agent": "na"}, mapping=mapping).user_agent is None
    assert event({"user_agent": " - "}, mapping=mapping).user_agent is None
    assert event({"user_agent": ""}, mapping=mapping).user_agent is None
    assert event({"user_agent": "null"}, mapping=mapping).user_agent == "null"


def test_other_columns_are_kept_as_they_are_and_empty_ones_left_out() -> None:
    assert event({"shop": " null\u00a0", "last": ""}).extra == {"shop": " null\u00a0"}
    assert event({"shop": "", "last": " "}).extra == {"column_10": " "}


def test_an_id_that_is_no_uuid_is_made_into_one_and_kept() -> None:
    found = event({"event_id": " E-17 ", "shop": "x"})
    assert found.event_id == str(uuid.uuid5(NAMESPACE, "E-17"))
    assert found.extra == {"event_id": "E-17", "shop": "x"}
    braces = event({"event_id": "{" + ID + "}"})
    assert braces.event_id == str(uuid.uuid5(NAMESPACE, "{" + ID + "}"))


def test_a_row_without_an_id_gets_that_of_its_values() -> None:
    joined = "\x1f".join(["u", "s", "view", "p", str(NOON), "5.5000000000", "ua"])
    assert event({"event_id": ""}).event_id == str(uuid.uuid5(NAMESPACE, joined))
    assert event({"event_id": "null", "price": "5.5", "action_type": "PageView"}).event_id == str(
        uuid.uuid5(NAMESPACE, joined)
    )
    joined = "\x1f".join(["u", "s", "view", "p", str(NOON), "\0", "\0"])
    found = event({"event_id": "", "price": "", "user_agent": ""})
    assert (found.event_id, found.extra) == (str(uuid.uuid5(NAMESPACE, joined)), None)


def test_identical_rows_without_an_id_are_one_event_or_numbered() -> None:
    row = {"event_id": ""}
    merged = read(row, row, {}, row)
    assert len({found.event_id for found in merged if isinstance(found, Event)}) == 2
    kept = read(
        row,
        row,
        {},
        {"event_id": "", "price": "5.500"},
        {"event_id": "", "price": "-1"},
        identical_rows="keep",
    )
    ids = [found.event_id for found in kept if isinstance(found, Event)]
    values = ["u", "s", "view", "p", str(NOON), "5.5000000000", "ua"]
    assert ids == [
        event(row).event_id,
        str(uuid.uuid5(NAMESPACE, "\x1f".join([*values, "2"]))),
        ID.lower(),
        str(uuid.uuid5(NAMESPACE, "\x1f".join([*values, "3"]))),
    ]


@pytest.mark.parametrize(
    ("word", "action"),
    [("View", "view"), ("ADDTOCART", "add_to_cart"), ("Add To Cart", "add_to_cart"), ("buy", "purchase"),
     ("angesehen", "view"), ("ANGESEHEN", "view"), ("detail", "purchase")],
)  # fmt: skip
def test_words_of_the_mapping_come_before_the_known_ones(word: str, action: str) -> None:
    mapping = AuditMapping(actions={"angesehen": "view", "detail": "purchase"})
    assert event({"action_type": word}, mapping=mapping).action_type == action


@pytest.mark.parametrize(
    ("row", "reason", "detail"),
    [
        *[({name: " NULL "}, f"missing_{name}", "NULL") for name in REQUIRED],
        *[({name: "  "}, f"missing_{name}", None) for name in REQUIRED],
        ({"user_id": "", "session_id": "", "event_time": "event_time"}, "repeated_header", "event_time"),
        ({"session_id": "", "event_time": ""}, "missing_session_id", None),
        ({"event_time": "Event_Time", "user_id": "x" * 257}, "repeated_header", "Event_Time"),
        ({"event_time": "TIMESTAMP"}, "repeated_header", "TIMESTAMP"),
        ({"event_time": "eventtime"}, "invalid_event_time", "eventtime"),
        ({"user_id": "x" * 257, "action_type": "?"}, "id_too_long", "x" * 200),
        ({"product_id": "ü" * 257}, "id_too_long", "ü" * 200),
        ({"action_type": "look", "event_time": "never"}, "unknown_action_type", "look"),
        ({"action_type": "v\u0131ew"}, "unknown_action_type", "v\u0131ew"),
        ({"event_time": "never", "price": "-1"}, "invalid_event_time", "never"),
        ({"event_time": "1999-12-31T23:59:59.999999Z", "price": "-1"}, "event_time_out_of_range",
         "1999-12-31T23:59:59.999999Z"),
        ({"price": "-1", "user_agent": "x" * 2001}, "negative_price", "-1"),
        ({"price": "1,5", "user_agent": "x" * 2001}, "invalid_price", "1,5"),
        ({"user_agent": "x" * 2001}, "user_agent_too_long", "x" * 200),
        ({"user_agent": "ü" * 1001}, "user_agent_too_long", "ü" * 200),
    ],
)  # fmt: skip
def test_the_first_reason_that_holds_is_named(row: dict[str, str], reason: str, detail: str | None) -> None:
    found = reject(row)
    assert (found.reason, found.detail) == (reason, detail)


def test_values_as_long_as_allowed_are_taken() -> None:
    found = event({"user_id": "ü" * 256, "user_agent": "ü" * 1000, "event_time": "2000-01-01T00:00:00Z"})
    assert (len(found.user_id), len(found.user_agent or "")) == (256, 1000)


def test_the_bounds_of_the_moment_of_loading_are_judged_only_where_they_are_given() -> None:
    bounds = Bounds(oldest=NOON, latest=NOON)
    assert isinstance(read({}, bounds=bounds)[0], Event)
    assert reject({"price": "-1"}, bounds=Bounds(latest=NOON - 1)).reason == "event_time_out_of_range"
    old = reject({"price": "-1"}, bounds=Bounds(oldest=NOON + 1))
    assert (old.reason, old.detail, old.event_time) == ("too_old", GOOD["event_time"], NOON)
    assert event({"event_time": "2999-01-01T00:00:00Z"}).event_time > NOON


def test_bytes_come_before_quotes_and_those_before_the_count_of_fields() -> None:
    content = HEADER.encode() + (b'"a\na,\xff\0\na,\xff\n"a"b\n"a\\"b"\n"a\rb\na,b\na,b,c,d,e,f,g,h,i,j,k\n')
    assert [found.reason for found in read_bytes(content) if isinstance(found, Reject)] == [
        "unbalanced_quote",
        "nul_byte",
        "invalid_utf8",
        "text_after_quote",
        "backslash_escape",
        "unbalanced_quote",
        "field_count",
        "field_count",
    ]


QUOTED = '{id},"{user}",s,view,p,2026-03-01T12:00:00Z,,,,\n'


@pytest.mark.parametrize(
    ("user", "unknown", "doubled", "backslash"),
    [
        ("a", "a", "a", "a"),
        ('a""b', 'a"b', 'a"b', "text_after_quote"),
        ('a\\"b\\"c', "backslash_escape", "text_after_quote", 'a"b"c'),
        ('a\\""b', 'a\\"b', 'a\\"b', "text_after_quote"),
        ("a\\", "a\\", "a\\", "unbalanced_quote"),
        ("a\\\\", "a\\\\", "a\\\\", "a\\"),
        ('a","b', "field_count", "field_count", "field_count"),
        ('a"b', "text_after_quote", "text_after_quote", "text_after_quote"),
        ('a"b""c', "text_after_quote", "text_after_quote", "text_after_quote"),
    ],
)
def test_a_quote_behind_a_backslash_is_read_as_the_layout_says_or_is_in_doubt(
    user: str, unknown: str, doubled: str, backslash: str
) -> None:
    content = (HEADER + QUOTED.format(id=ID, user=user)).encode()
    found = []
    for escape in (None, DOUBLED, BACKSLASH):
        first = read_bytes(content, AuditMapping(escape=escape))[0]
        found.append(first.user_id if isinstance(first, Event) else first.reason)
    assert found == [unknown, doubled, backslash]


def test_a_reject_has_its_bytes_and_their_place() -> None:
    content = HEADER.encode() + b"\r\n  \n" + b"a,b\r\n"
    assert read_bytes(content) == [Reject(4, len(content) - 5, 5, b"a,b", "field_count")]


def test_a_file_may_begin_with_marks_and_repeat_them() -> None:
    row = HEADER + ",".join(GOOD.values()) + "\n"
    again = b"\xef\xbb\xbf" + row.encode()
    kinds = [found if isinstance(found, Event) else found.reason for found in read_bytes(again * 2)]
    assert kinds == [event({}), "repeated_header", event({})._replace(line_no=4)]


def test_a_layout_may_be_given_instead_of_read() -> None:
    layout = FileLayout(("user", "session", "action", "item", "ts"), ";")
    (found,) = read_bytes(b"whatever\nu;s;buy;p;1772366400\n", layout=layout)
    assert isinstance(found, Event)
    assert (found.action_type, found.event_time, found.price) == ("purchase", NOON, None)


def test_the_whole_mapping_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(
        """
        [columns]
        " Kunde " = "user_id"
        [actions]
        Angesehen = "view"
        [time]
        format = "%d.%m.%Y %H:%M"
        zone = "Europe/Berlin"
        [values]
        nothing = ["-"]
        [price]
        decimal = ","
        grouping = "."
        [format]
        escape = "backslash"
        """
    )
    assert read_audit_mapping(path) == AuditMapping(
        {"kunde": "user_id"}, {"angesehen": "view"}, "%d.%m.%Y %H:%M", "Europe/Berlin", ["-"], ",", ".", "\\"
    )
    assert read_audit_mapping(None) == AuditMapping()
    content = b'Kunde;session;action;item;time;price\n"a\\"b";s;ANGESEHEN;p;01.03.2026 13:00;1.234,50\n'
    (found,) = read_bytes(content, read_audit_mapping(path))
    assert isinstance(found, Event)
    assert found[2:8] == ('a"b', "s", "view", "p", NOON, "1234.50")


@pytest.mark.parametrize(
    ("time", "message"), [({"format": "dd.MM.yyyy"}, "has no %"), ({"zone": "Berlin"}, "is no time zone")]
)
def test_a_mapping_by_which_no_time_can_be_read_is_refused(time: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_audit_mapping({"time": time})


@pytest.mark.parametrize("text", [None, "[time", b"\xff"])
def test_a_mapping_that_cannot_be_read_is_one_clear_sentence(
    tmp_path: Path, text: str | bytes | None
) -> None:
    path = tmp_path / "mapping.toml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError, match=r"The source mapping .*mapping\.toml"):
        read_audit_mapping(path)
