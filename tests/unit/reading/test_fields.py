"""The quick splitter agrees with the standard CSV reader wherever it splits, and leaves the rest alone."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from spark.reading.fields import Columns, split_records
from spark.reading.header import Layout
from spark.reading.lines import Dialect
from spark.reading.records import split_blocks

LAYOUT = Layout(("user_id", "session_id", "colour", "action_type", "product_id", "event_time"))
COLUMNS = Columns.of(LAYOUT, range(6))
EMPTY = ",,,,,"


def split(data: bytes) -> tuple[list[bytes], list[dict[str, object] | None]]:
    """The records of `data`, and the fields of each, `None` where it has another number of them."""
    texts: list[bytes] = []
    found: list[dict[str, object] | None] = []
    for records in split_blocks([data], offset=0, line=2, dialect=Dialect(6, ",", by_backslash=False)):
        split = split_records(records.values, records.flags == 0, COLUMNS)
        texts += records.values.to_pylist()
        for row, ok in enumerate(split.ok.tolist()):
            values = {name: split.texts[at][row].as_py() for at, name in enumerate(LAYOUT.columns)}
            assert ok or not any(values.values())
            found.append(values if ok else None)
    return texts, found


def expected(record: bytes) -> dict[str, object] | None:
    """What the standard library makes of the record alone."""
    try:
        rows = list(csv.reader([record.decode().rstrip("\r\n")], strict=True))
    except csv.Error:
        return None
    if len(rows) != 1 or len(rows[0]) != 6:
        return None
    return {name: text or None for name, text in zip(LAYOUT.columns, rows[0], strict=True)}


def test_a_good_file_is_split_whole() -> None:
    _, found = split(b'u,s,"red, or so",view, p ,t\nu2,s2,,view,p2,t2\r\nu3,"",x,"",p,t')

    assert found[0] == {
        "user_id": "u", "session_id": "s", "action_type": "view", "product_id": " p ", "event_time": "t",
        "colour": "red, or so",
    }  # fmt: skip
    assert found[1] is not None
    assert found[1]["colour"] is None
    assert found[2] is not None
    assert (found[2]["session_id"], found[2]["colour"]) == (None, "x")


def test_a_record_with_another_number_of_fields_is_not_split_and_the_others_are() -> None:
    _, found = split(b"u,s,c,view,p,t\nu,s,view,p,t\nu,s,c,view,p,t\nu,s,c,view,p,t,t\n")

    assert [values is not None for values in found] == [True, False, True, False]


def test_quotes_in_unusual_places_are_read_one_by_one() -> None:
    _, found = split(
        b'u,s,a"b"c,view,p,t\nu,s,5" pipe,view,p,t\nu,s,"a""b",view,p,t\nu,s,"two\nlines",view,p,t\n'
    )

    assert [values and values["colour"] for values in found] == ['a"b"c', '5" pipe', 'a"b', "two\nlines"]


def test_records_that_are_no_candidates_are_not_split() -> None:
    values = pa.array([b"u,s,c,view,p,t\n", b'u,s,c"d,view,p,t\n'] * 2, pa.binary())

    found = split_records(values, np.array([True, True, False, False]), COLUMNS)

    assert found.ok.tolist() == [True, True, False, False]
    assert found.texts[0].to_pylist() == ["u", "u", None, None]


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
        for part in split_blocks(
            [text.encode()], offset=0, line=2, dialect=Dialect(6, ",", by_backslash=False)
        )
        for flag in part.flags
    ]

    for record, values, is_bad in zip(records, found, bad, strict=True):
        assert values == (None if is_bad else expected(record))
