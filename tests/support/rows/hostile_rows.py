"""Hostile event files, for hypothesis: headers and mappings that mislead, quotes in all ways, faults anywhere.

A file is drawn as the cells of its rows, and then written.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from hostile_values import (
    FORMATS,
    ZONES,
    Text,
    actions,
    agents,
    event_ids,
    extra_values,
    ids,
    nothings,
    prices,
    times,
)
from hypothesis import assume
from hypothesis import strategies as st

from clickstream_assets.contract import ALIASES, FIELDS, REQUIRED

ODD_NAMES = (
    *ALIASES, *FIELDS, *(name.upper() for name in FIELDS), "Event ID", "event-id", "user.id", "event_id_9",
    "column_9", "column", "", " ", "price_2", 'a"b', "a\\b", "a,b", "sep=;", "\u212aunde", "\u0130d", "user_\u0131d",
    "u\u017fer_id", "\u200buser_id", "p\u200brice", "\x1f", "\x01", "\u2028", "\u0085", "extra", "EXTRA", " extra ",
    "{", "%s",
)  # fmt: skip
names = st.sampled_from(ODD_NAMES) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=5
)


# Sources of fields that any header has columns for.
RECIPES = {
    "user_id": [
        '"product id"',
        '{ first = ["kunde", "User ID", { constant = "guest" }] }',
        '{ join = ["user_id", { first = ["price", { constant = "?" }] }], with = "-" }',
        '{ constant = "guest", when = [{ column = "product_id", missing = true, then = "x" }] }',
        "false",
    ],
    "session_id": [
        '{ column = "session_id", json = "a[0].b" }',
        '{ first = [{ column = "extra", json = "a" }, { column = "Session ID", json = ["a"] }, "session_id"] }',
        '{ path = "day" }',
        "false",
    ],
    "price": [
        '{ first = ["Price", { constant = "7" }], lookup = { "9.99" = "1e3", "x" = "2" } }',
        '{ column = "product_id", when = { column = "user_id", above = 0, then = "5" } }',
        "false",
    ],
    "action_type": [
        '{ column = "Action Type", when = [{ column = "product_id", below = 2.5, then = "remove" }, '
        '{ column = "session_id", starts_with = ["S", "1"], then = "suche" }, '
        '{ column = "user_id", is = ["U1", "x"], then = "buy" }] }',
        '{ constant = "View" }',
    ],
    "event_time": [
        '{ sum = ["event_time", { constant = "1500", unit = "ms" }] }',
        '{ sum = [{ path = "date" }, { column = "product_id", unit = "h" }] }',
        '{ join = [{ path = "date" }, "event_time"] }',
    ],
    "event_id": ['{ column = "user_id", lookup = { u1 = "00000000-0000-4000-8000-000000000000" } }', "false"],
}
LACKED = ["user_id", "session_id", "product_id", "price"]
PATH = "date=2026-03-01/day=%61%20b/events.csv"  # of the files, for what recipes take of it
JSON_TEXTS = (
    '{"a": [{"b": 1.50}]}', '{"a": "x"}', '{"a": [{"b": "\\u00fc\\ud800"}]}', '{"a": null}', "{}", "[", '"a"', "1",
    "nan",
    '{"a": [{"b": [1e5, true, {"c": ""}]}], "a": [{"b": " u "}]}',
)  # fmt: skip


@dataclass(frozen=True)
class Dialect:
    """A source mapping in TOML, and what the values are to be near."""

    toml: str
    time_format: str | None
    decimal: str
    grouping: str


@st.composite
def dialects(draw: st.DrawFn) -> Dialect:
    lines = []
    form = draw(st.none() | st.sampled_from(FORMATS))
    zone = draw(st.sampled_from(ZONES))
    lines += ["[time]", f"zone = {json.dumps(zone)}"]
    if draw(st.booleans()):
        lines += ['time_of_day = "23:30"']
    if form is not None:
        lines += [f"format = {json.dumps(form)}"]
    decimal = draw(st.sampled_from([".", "."]) | st.just(","))
    grouping = draw(
        st.sampled_from(["", "", *(sign for sign in (".", ",", "'", " ", "_", "\u202f") if sign != decimal)])
    )
    lines += ["[price]", f"decimal = {json.dumps(decimal)}"]
    if grouping:
        lines += [f"grouping = {json.dumps(grouping)}"]
    lines += draw(st.sampled_from([[], [], ["scale = 0.01"], ["scale = 3", 'currency = ["$", "E"]']]))
    if draw(st.booleans()):
        words = draw(
            st.lists(
                st.sampled_from(["-", "NA", " na ", "\u00c4nd", "\u00e4nd", "nada", "NULL", ""]), unique=True
            )
        )
        key = draw(st.sampled_from(["nothing", "also_nothing"]))
        lines += ["[values]", f"{key} = {json.dumps(words)}"]
    if draw(st.booleans()):
        lines += [
            "[actions]",
            'Gesehen = "view"',
            '"\u00c4ngesehen" = "purchase"',
            '" \u212aauf " = "purchase"',
        ]
    recipes = draw(st.lists(st.sampled_from(sorted(RECIPES)), unique=True, max_size=4))
    columns = {"kunde": "user_id", "\u017fum": "price", " Event ID ": "session_id"}
    if draw(st.booleans()):
        lines += ["[columns]"]
        lines += [f'"{name}" = "{field}"' for name, field in columns.items() if field not in recipes]
    if recipes:
        lines += ["[fields]", *(f"{field} = {draw(st.sampled_from(RECIPES[field]))}" for field in recipes)]
    if draw(st.booleans()):
        lines += ["[events]", 'other_actions = ["Suche", "detail"]']
        lines += [f"optional = {json.dumps(draw(st.lists(st.sampled_from(LACKED), unique=True)))}"]
        if draw(st.booleans()):
            lines += ['identity = ["Product_ID", "user id"]']
    if (escape := draw(st.sampled_from([None, None, "backslash", "none"]))) is not None:
        lines += ["[format]", f"escape = {json.dumps(escape)}"]
    return Dialect("\n".join(lines), form, decimal, grouping)


def values(dialect: Dialect) -> dict[str, Text]:
    """By field: mostly values near its rules."""
    return {
        "event_id": event_ids,
        "user_id": ids,
        "session_id": ids | st.sampled_from(JSON_TEXTS),
        "product_id": ids | st.sampled_from(["1", "-3", "+2.50", "2.5", ".5", "1e3", "\u0661", "9" * 31]),
        "action_type": actions | nothings,
        "event_time": times(dialect.time_format) | nothings | st.sampled_from(["Event_Time", "ts", "TIME"]),
        "price": prices(dialect.decimal, dialect.grouping) | nothings,
        "user_agent": agents | nothings,
    }


GOOD = {
    "event_id": "",
    "user_id": "u1",
    "session_id": "s1",
    "action_type": "view",
    "product_id": "p1",
    "event_time": "2026-03-01T12:00:00Z",
    "price": "9.99",
    "user_agent": "Mozilla/5.0",
}


@st.composite
def headers(draw: st.DrawFn) -> list[str]:
    """All fields that every event needs, in any order, and perhaps the others, and names that mislead."""
    fields = [*REQUIRED, *draw(st.lists(st.sampled_from(["event_id", "price", "user_agent"]), unique=True))]
    return draw(st.permutations(fields + draw(st.lists(names, max_size=3))))


@st.composite
def rows(draw: st.DrawFn, header: Sequence[str], dialect: Dialect) -> list[str]:
    """The cells of a row: good ones, but for one or two."""
    near = values(dialect)
    odd_ones = draw(st.sets(st.sampled_from(range(len(header))), max_size=2))
    return [
        draw(near.get(name, extra_values)) if at in odd_ones else GOOD.get(name, "")
        for at, name in enumerate(header)
    ]


def quoted(text: str, style: str, delimiter: str) -> str:
    """A cell as it is written: always, never, or where need be in quotes; with backslashes for escape."""
    if style == "never":
        return text
    if style == "backslash":
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if style == "always" or text.startswith('"') or any(sign in text for sign in (delimiter, "\n", "\r")):
        return '"' + text.replace('"', '""') + '"'
    return text


FAULTS = (
    b'"', b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xc3", b'\\"', b'""', b",", b";", b"\\", b" ", b'"\n"',
    b"\xed\xa0\x80",
)  # fmt: skip


@dataclass(frozen=True)
class HostileFile:
    content: bytes
    dialect: Dialect


@st.composite
def hostile_files(draw: st.DrawFn, most_rows: int = 12) -> HostileFile:
    dialect = draw(dialects())
    header = draw(headers())
    delimiter = draw(st.sampled_from([",", ",", ";", "\t", "|"]))
    styles = draw(
        st.sampled_from([["minimal"], ["minimal", "always"], ["minimal", "backslash"], ["minimal", "never"]])
    )
    pool = draw(st.lists(rows(header, dialect), min_size=1, max_size=most_rows))
    chosen = draw(st.lists(st.sampled_from(range(len(pool))), max_size=most_rows)) + list(range(len(pool)))
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    before = draw(st.sampled_from(["", "", "", "\ufeff", "\n \n", ",,,\n", f"sep={delimiter}\n"]))
    lines = [
        delimiter.join(quoted(cell, draw(st.sampled_from(styles)), delimiter) for cell in pool[number]) + end
        for number in chosen
    ]
    body = "".join(lines).encode()
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.sampled_from(FAULTS)) + body[at + draw(st.integers(0, 1)) :]
    if draw(st.booleans()):
        body = body.removesuffix(b"\n")
    line = delimiter.join(quoted(name, "minimal", delimiter).replace("\n", "") for name in header)
    assume(not line.startswith(("{", "[")))  # such a file is JSON, whatever its encoding
    return HostileFile((before + line + end).encode() + body, dialect)
