"""Parts of texts as fields: of URLs, of lists in one text. Both readers agree on what is right."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_mapping_language import values
from two_readers import Outcomes, agreed

from clickstream_assets.errors import SettingsError
from clickstream_assets.second_reader.excerpts import excerpt as excerpt_of_audit
from spark.cleaning.excerpts import excerpt, excerpts
from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds
from spark.mapping.excerpt_tables import read_excerpt
from spark.mapping.mapping_file import mapping_of
from spark.mapping.sources import Column
from spark.mapping.tables import Place

ALL_TIMES = TimeBounds(EARLIEST_US, 4_000_000_000_000_000)


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def outcomes(toml: str, content: str) -> Outcomes:
        return agreed(tmp_path, content.encode(), toml, ALL_TIMES)

    return outcomes


@pytest.mark.parametrize(
    ("asks", "text", "expected"),
    [
        ('split = ";", part = 2', ";sku-1;2;9.90", "sku-1"),
        ('split = ";", part = -1', ";sku-1;2;9.90", "9.90"),
        ('split = ";", part = 5', ";sku-1;2;9.90", None),
        ('split = ";", part = -5', ";sku-1;2;9.90", None),
        ('split = ";", part = 1', ";sku-1;2;9.90", None),
        ('query = "sku"', "https://shop/p?x=1&sku=a%20b+c&sku=d#sku=e", "a b c"),
        ('query = "sku"', "x=1&sku=%C3%A9", "é"),
        ('query = "s k"', "/p?s+k=1", "1"),
        ('query = "sku"', "/p?SKU=1", None),
        ('query = "sku"', "/p?sku", None),
        ('query = "sku"', "/p?sku=%00%ff", "?\ufffd"),
        ('query = "sku"', "https://sku=1/p?x=y?sku=2", None),
        ('after = "/product/"', "/de/product/17/product/18", "17/product/18"),
        ('after = "/product/"', "/de/products/17", None),
        ('after = "/product/", before = ["/", "?"]', "/product/17?x=/1", "17"),
        ('after = "/product/", before = "/"', "/product/17", "17"),
        ('before = ["b", "ab"]', "xab", "x"),
        ('before = "x"', "xab", None),
        ('decode = "percent"', "Mozilla/5.0%20(X)%20+", "Mozilla/5.0 (X) +"),
        ('split = " ", part = 2, query = "id"', "GET /p?id=7 HTTP/1.1", "7"),
        ('query = "u", after = "/p/"', "/r?u=%2Fp%2F7", "7"),
        ('after = "=", lookup = { "1" = "one" }', "a=1", "one"),
        ('after = "=", when = [{ column = "t", after = "=", is = "2", then = "two" }]', "a=2", "two"),
        ('after = "="', "a= (not set) ", None),
    ],
)
def test_a_part_of_a_text_is_a_value(read: Any, asks: str, text: str, expected: str | None) -> None:
    toml = f'[fields]\nsession_id = {{ column = "t", {asks} }}\n[events]\noptional = ["session_id"]\n'
    found = read(toml, f'user,action,item,ts,t\nu,view,p,2020-01-01T00:00:00Z,"{text}"\n')
    assert values(found, "session_id", "extra") == [(expected, {"t": text})]  # of which only a part was taken


@pytest.mark.parametrize(
    ("asks", "sentence"),
    [
        ('split = ";"', "split and part go together"),
        ("part = 2", "split and part go together"),
        ('split = "", part = 2', "split is '': give a text"),
        ('split = ";", part = 0', "part is 0: give a number"),
        ('split = ";", part = true', "part is True: give a number"),
        ("query = 7", "query is 7: give a text"),
        ('after = ""', "after is '': give a text"),
        ('before = [""]', "before takes a text or a list"),
        ('decode = "html"', "decode is 'html'"),
    ],
)
def test_a_part_that_means_nothing_is_refused(asks: str, sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        mapping_of(tomllib.loads(f'[fields]\nuser_id = {{ column = "c", {asks} }}\n'), "mapping.toml")


def test_of_a_sum_there_is_no_part() -> None:
    tables = tomllib.loads('[fields]\nevent_time = { sum = ["a"], after = "x" }\n')
    with pytest.raises(SettingsError, match="a sum is no text: after does not go with it"):
        mapping_of(tables, "mapping.toml")


def test_a_column_of_parts_has_each_in_its_row() -> None:
    what = read_excerpt(Column("c"), {"after": "="}, Place("mapping.toml"))
    assert excerpts(pa.array(["a=1", None, "b", "a=1", "c=2"]), what).to_pylist() == [
        "1",
        None,
        None,
        "1",
        "2",
    ]


TEXTS = st.text(st.sampled_from("ab=&?#;/ %+20Cé\u00ad\0"), max_size=20)
SOME = st.text(st.sampled_from("ab=&?;/ %2"), min_size=1, max_size=2)


@given(
    TEXTS,
    st.fixed_dictionaries(
        {},
        optional={
            "split": SOME,
            "query": SOME,
            "after": SOME,
            "before": SOME | st.lists(SOME, max_size=3),
            "decode": st.just("percent"),
        },
    ),
    st.integers(-4, 4).filter(bool),
)
def test_both_readers_find_the_same_part_of_any_text(text: str, asks: dict[str, Any], part: int) -> None:
    if "split" in asks:
        asks["part"] = part
    what = read_excerpt(Column("c"), asks, Place("mapping.toml"))
    assert excerpt(text, what) == excerpt_of_audit(text, asks)
