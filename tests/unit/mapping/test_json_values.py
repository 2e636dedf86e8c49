"""JSON that is not an object a line: lists, objects over several lines, one behind the other, and lists within objects
that are taken apart. Both readers agree on what is right."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_mapping_language import values
from two_readers import WHOLE, Cut, Outcomes, agreed

from clickstream_assets.errors import SettingsError
from clickstream_assets.second_reader.of_json.values import lines_of_values
from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds
from spark.inspection.inspecting import inspect_file
from spark.mapping.mapping_file import mapping_of
from spark.reading.value_lines import Unfolding, value_lines

ALL_TIMES = TimeBounds(EARLIEST_US, 4_000_000_000_000_000)
EVENTS = [
    {
        "user": f"u{at}",
        "session": "s",
        "action": "view",
        "item": at,
        "ts": "2020-01-01T00:00:00Z",
        "more": {"é": [at]},
    }
    for at in range(3)
]


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def outcomes(toml: str, content: str, cut: Cut = WHOLE) -> Outcomes:
        return agreed(tmp_path, content.encode(), toml, ALL_TIMES, relative="events.json", cut=cut)

    return outcomes


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(EVENTS, ensure_ascii=False),
        json.dumps(EVENTS, indent=2),
        json.dumps(EVENTS, indent=2).replace("\n", "\r\n") + "\r\n",
        "\ufeff" + json.dumps(EVENTS),
        "[\n" + ",\n".join(map(json.dumps, EVENTS)) + "\n]\n",
        "".join(map(json.dumps, EVENTS)),
        "".join(json.dumps(event) + " " for event in EVENTS),
        "".join(json.dumps(event) + ",\n" for event in EVENTS),
        "\n".join(json.dumps(event, indent="\t") for event in EVENTS),
        json.dumps(EVENTS[:1]) + json.dumps(EVENTS[1:]),
        json.dumps(EVENTS[:1]) + "\n[\n]\n" + json.dumps(EVENTS[1:]),
    ],
)
@pytest.mark.parametrize(
    "cut", [Cut(), Cut(block_bytes=7), Cut(is_zipped=True), Cut(is_zstd=True, block_bytes=50)]
)
def test_the_values_of_json_are_records_however_it_is_written(read: Any, content: str, cut: Cut) -> None:
    found = read("", content, cut)
    assert values(found, "user_id", "product_id", "line_no", "extra") == [
        (f"u{at}", str(at), at + 1, {"more": f'{{"é": [{at}]}}'}) for at in range(3)
    ]


def test_a_value_that_is_no_json_is_a_reject_and_the_others_are_events(read: Any) -> None:
    good = [json.dumps(event) for event in EVENTS]
    bad = ['{"user": "a",}', '{"user": "two\nlines"}', f"\nwords {{\n7, {good[1]}\n [1]", '{"a": NaN}']
    content = f"[{', '.join([good[0], *bad, good[2]])}]"
    found = read("", content)
    assert values(found, "user_id") == [
        "u0",
        ("not_json", None),
        ("not_json", None),
        ("not_json", None),
        ("not_json", None),
        ("no_object", None),
        ("not_json", None),
        "u2",
    ]
    assert found[2].raw == b'{"user": "two\x0blines"}'


@pytest.mark.parametrize("end", ["", ",", "]", '{"user": "u', "words", '"'])
def test_a_text_that_ends_too_early_has_no_last_line_end(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(EVENTS)[:-1] + end)
    found = inspect_file(bytes(path))
    assert (found.is_unterminated, found.records) == (end != "]", 3 if end in ("", ",", "]") else 4)


ORDERS = [
    {
        "id": 1,
        "at": "2020-01-01T00:00:00Z",
        "items": [{"sku": "a", "price": 1.25}, {"sku": "b", "price": 2}],
        "n": None,
    },
    {"id": 2, "at": "2020-01-01T00:00:01Z", "items": [{"sku": "c"}]},
    {"id": 3, "at": "2020-01-01T00:00:02Z", "items": []},
    {"id": 4, "at": "2020-01-01T00:00:03Z"},
]
OF_ORDERS = """[format]
items = "items"
[fields]
user_id = "id"
session_id = "id"
action_type = { constant = "purchase" }
product_id = { column = "items", json = "sku" }
price = { column = "items", json = "price" }
event_time = "at"
"""


@pytest.mark.parametrize(
    "content", ["".join(json.dumps(order) + "\n" for order in ORDERS), json.dumps(ORDERS, indent=1)]
)
def test_each_item_of_a_list_is_an_event_with_all_else_of_its_record(read: Any, content: str) -> None:
    found = read(OF_ORDERS, content)
    assert values(found, "user_id", "product_id", "price", "line_no") == [
        ("1", "a", "1.25", 1),
        ("1", "b", "2", 2),
        ("2", "c", None, 3),
        ("missing_product_id", None),
        ("missing_product_id", None),
    ]
    assert json.loads(found[0].extra["items"]) == {"sku": "a", "price": 1.25}


def test_the_records_are_where_the_mapping_says(read: Any) -> None:
    pages = [
        {"data": {"orders": ORDERS[:1]}, "next": 2},
        {"data": {"orders": []}},
        {"data": {"orders": ORDERS[1:]}},
    ]
    toml = OF_ORDERS.replace("[format]\n", '[format]\nrecords = "data.orders"\n')
    found = read(toml, "".join(map(json.dumps, pages)))
    assert values(found, "product_id") == ["a", "b", "c", *[("missing_product_id", None)] * 2]
    other = read(toml, json.dumps({"data": "none"}) + json.dumps(pages[0]))
    assert values(other, "product_id") == [("missing_user_id", None), "a", "b"]


def test_lists_on_the_way_are_taken_apart_too(read: Any) -> None:
    order = {
        "id": 1,
        "at": "2020-01-01T00:00:00Z",
        "parcels": [{"items": [{"sku": 1}, {"sku": 2}]}, {"items": [{"sku": 3}]}],
    }
    toml = OF_ORDERS.replace('"items"\n', '["parcels", "items"]\n').replace(
        'column = "items", json = "', 'column = "parcels", json = "items.'
    )
    assert values(read(toml, json.dumps(order)), "product_id") == ["1", "2", "3"]


def test_what_is_replayed_is_not_taken_apart_again(read: Any) -> None:
    line = (
        '{"replay_of": "7:1", "id": 1, "at": "2020-01-01T00:00:00Z", "items": [{"sku": "a"}, {"sku": "b"}]}\n'
    )
    assert values(read(OF_ORDERS, line)) == [("missing_product_id", None)]


@pytest.mark.parametrize("value", ["7", "[]", '""', '"a..b"', '["a", 0]'])
@pytest.mark.parametrize("name", ["records", "items"])
def test_a_way_to_a_list_that_means_nothing_is_refused(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} leads to a list"):
        mapping_of({"format": {name: json.loads(value)}}, "mapping.toml")


PIECES = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    "\n",
    "\r",
    " ",
    ",",
    ":",
    "a",
    "1",
    '{"a": 1}',
    '"x"',
    "[1, 2]",
    "é",
    "\0",
    "\ud800",
]
UNFOLDINGS = [Unfolding(), Unfolding(items=("a",)), Unfolding(("a",), ("b",)), Unfolding(("a", "b"))]


def _pieces(data: bytes, sizes: random.Random) -> Iterator[bytes]:
    while data:
        size = sizes.randrange(1, 9)
        yield data[:size]
        data = data[size:]


@given(
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    ).map(lambda value: json.dumps(value, indent=1)),
    st.sampled_from(UNFOLDINGS),
    st.randoms(use_true_random=False),
    st.sampled_from([5, 20, 1 << 26]),
)
def test_both_readers_make_the_same_lines_of_any_text(
    text: str, unfolding: Unfolding, sizes: random.Random, longest: int
) -> None:
    data = text.encode("utf-8", "surrogatepass")
    with (
        patch("spark.reading.value_lines.LONGEST_VALUE", longest),
        patch("clickstream_assets.second_reader.of_json.values.LONGEST", longest),
    ):
        ours = b"".join(value_lines(_pieces(data, sizes), unfolding))
        theirs = b"".join(lines_of_values(iter([data]), unfolding.records, unfolding.items))
    assert ours == theirs
