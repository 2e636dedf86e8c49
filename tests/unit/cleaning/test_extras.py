"""`extra` as JSON text: keys, escapes, and rows that have none."""

from __future__ import annotations

import json

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from spark.cleaning.extras import json_objects, with_ids

KEYS = ["shop", 'a"b', "back\\slash", "\x1f", "\u2028", "\u00fc", "", "%s", "{}", '"', "\U0001f6d2"]
texts = st.none() | st.text(
    st.sampled_from('"\\\n\r\t\x01\x1f\x7f\u0085\u2028\u00e4\U0001f6d2{}:,a '), min_size=1, max_size=6
)


def column(values: list[str | None]) -> pa.StringArray:
    return pa.array(values, pa.string())


def objects(rows: list[str | None]) -> list[dict[str, str] | None]:
    return [None if row is None else json.loads(row) for row in rows]


@given(st.lists(st.lists(texts, min_size=len(KEYS), max_size=len(KEYS)), min_size=1, max_size=6))
def test_every_text_under_every_key_comes_back_out_of_the_json(rows: list[list[str | None]]) -> None:
    columns = [(key, column([row[at] for row in rows])) for at, key in enumerate(KEYS)]
    expected = [{key: row[at] for at, key in enumerate(KEYS) if row[at] is not None} or None for row in rows]
    assert objects(json_objects(columns, len(rows)).to_pylist()) == expected


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=6))
def test_an_id_that_is_no_uuid_stands_before_the_rest(rows: list[tuple[str | None, str | None]]) -> None:
    extra = json_objects([("shop", column([shop for _, shop in rows]))], len(rows))
    found = objects(with_ids(extra, column([text for text, _ in rows])).to_pylist())
    expected = [
        {name: text for name, text in (("event_id", own), ("shop", shop)) if text is not None} or None
        for own, shop in rows
    ]
    assert found == expected
    assert all(
        next(iter(row)) == "event_id" for row, (own, _) in zip(found, rows, strict=True) if row and own
    )


def test_a_file_without_other_columns_has_no_extra() -> None:
    assert json_objects([], 3).to_pylist() == [None, None, None]
    assert json_objects([("shop", column([None, None]))], 2).to_pylist() == [None, None]


def test_a_slice_of_a_column_brings_its_own_texts() -> None:
    sliced = column(["x", 'a"', "b\n"])[1:]
    assert objects(json_objects([("k", sliced)], 2).to_pylist()) == [{"k": 'a"'}, {"k": "b\n"}]
