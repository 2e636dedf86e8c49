"""The quick splitter agrees with the standard CSV reader wherever it splits, and leaves the rest alone."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from spark.fields import Columns, split_fields, split_records
from spark.header import FIELDS, Layout
from spark.records import split_blocks
from spark.vocabulary import NULL_TOKENS

LAYOUT = Layout(("user_id", "session_id", "colour", "action_type", "product_id", "event_time"))
COLUMNS = Columns.of(LAYOUT)
EMPTY = ",,,,,"


def split(data: bytes) -> tuple[list[bytes], list[dict[str, object] | None]]:
    """The records of `data`, and the fields of each, `None` where it has another number of them."""
    texts: list[bytes] = []
    found: list[dict[str, object] | None] = []
    for records in split_blocks([data], offset=0, line=2, fields=6, delimiter=",", escape=None):
        split_ok, *columns = split_fields(records.values, records.flags == 0, COLUMNS)
        texts += records.values.to_pylist()
        for row, ok in enumerate(split_ok.to_pylist()):
            values = {
                name: column[row].as_py() for name, column in zip((*FIELDS, "extras"), columns, strict=True)
            }
            assert ok or not any(values.values())
            found.append({name: value or None for name, value in values.items()} if ok else None)
    return texts, found


def expected(record: bytes) -> dict[str, object] | None:
    """What the standard library makes of the record alone."""
    try:
        rows = list(csv.reader([record.decode().rstrip("\r\n")], strict=True))
    except csv.Error:
        return None
    if len(rows) != 1 or len(rows[0]) != 6:
        return None
    by_name = dict(zip(LAYOUT.columns, rows[0], strict=True))
    values: dict[str, object] = {field: trimmed(by_name.get(field)) for field in FIELDS}
    return values | {"extras": [("colour", by_name["colour"])] if by_name["colour"] else None}


def trimmed(text: str | None) -> str | None:
    found = (text or "").strip(" \t\r\n\f\v\u00a0\u3000")
    return None if found.lower() in NULL_TOKENS else found


@pytest.mark.parametrize("word", ["", " ", "null", "NULL", "None", "undefined", "(not set)", r"\N", " Null "])
def test_a_word_for_no_value_is_no_value_but_in_a_column_of_others_it_stays(word: str) -> None:
    _, found = split(f"{word},s,{word},view,nullable,t\n".encode())

    assert found[0] is not None
    assert (found[0]["user_id"], found[0]["product_id"]) == (None, "nullable")
    assert found[0]["extras"] == ([("colour", word)] if word else None)


def test_a_good_file_is_split_whole() -> None:
    _, found = split(b'u,s,"red, or so",view, p ,t\nu2,s2,,view,p2,t2\r\nu3,"",x,"",p,t')

    assert found[0] == dict.fromkeys(FIELDS) | {
        "user_id": "u", "session_id": "s", "action_type": "view", "product_id": "p", "event_time": "t",
        "extras": [("colour", "red, or so")],
    }  # fmt: skip
    assert found[1] is not None
    assert found[1]["extras"] is None
    assert found[2] is not None
    assert found[2]["extras"] == [("colour", "x")]


def test_a_record_with_another_number_of_fields_is_not_split_and_the_others_are() -> None:
    _, found = split(b"u,s,c,view,p,t\nu,s,view,p,t\nu,s,c,view,p,t\nu,s,c,view,p,t,t\n")

    assert [values is not None for values in found] == [True, False, True, False]


def test_quotes_in_unusual_places_are_read_one_by_one() -> None:
    _, found = split(
        b'u,s,a"b"c,view,p,t\nu,s,5" pipe,view,p,t\nu,s,"a""b",view,p,t\nu,s,"two\nlines",view,p,t\n'
    )

    assert [values and values["extras"] for values in found] == [
        [("colour", text)] for text in ('a"b"c', '5" pipe', 'a"b', "two\nlines")
    ]


def test_records_that_are_no_candidates_are_not_split() -> None:
    values = pa.array([b"u,s,c,view,p,t\n", b'u,s,c"d,view,p,t\n'] * 2, pa.binary())

    split_ok, _, user, *_ = split_fields(values, np.array([True, True, False, False]), COLUMNS)

    assert split_ok.to_pylist() == [True, True, False, False]
    assert user.to_pylist() == ["u", "u", None, None]


def test_the_texts_of_records_are_as_they_are_in_the_file_and_null_where_there_is_none() -> None:
    values = pa.array([b'" u ",null,,view,p,t\n', b'u,s,"a""b",view,p,t\n', b"short\n"], pa.binary())

    found = split_records(values, np.ones(3, bool), COLUMNS)

    assert found.ok.tolist() == [True, True, False]
    assert set(found.texts) == set(range(6))
    assert found.texts[0].to_pylist() == [" u ", "u", None]
    assert found.texts[1].to_pylist() == ["null", "s", None]
    assert found.texts[2].to_pylist() == [None, 'a"b', None]


# The alphabet of trouble: a few letters, white space of all kinds, delimiters, quotes, line ends.
trouble = st.text(alphabet='ab ,"\n\r\t\u00a0é', max_size=12)
lines = st.lists(
    st.lists(trouble, min_size=5, max_size=7).map(",".join) | st.just("u,s,c,view,p,t"), max_size=8
)


@given(lines.map("\n".join))
@example('a",b,"c,d,e,f\n')
@example('"a,b\n",c,d,e,f,"\n')
@example('u,s,"\n' + EMPTY + '\nu,s,a",x,"b,p,t\n' + EMPTY + '\nx"y,1,2,3,4,5\n')
def test_it_reads_what_the_standard_reader_reads(text: str) -> None:
    records, found = split(text.encode())
    bad = [
        flag != 0
        for part in split_blocks([text.encode()], offset=0, line=2, fields=6, delimiter=",", escape=None)
        for flag in part.flags
    ]

    for record, values, is_bad in zip(records, found, bad, strict=True):
        assert values == (None if is_bad else expected(record))
