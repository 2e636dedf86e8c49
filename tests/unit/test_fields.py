"""The quick splitter agrees with the standard CSV reader wherever it splits, and leaves the rest alone."""

from __future__ import annotations

import csv

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from spark.fields import Columns, split_fields
from spark.header import FIELDS, Layout
from spark.records import split_blocks

LAYOUT = Layout(("user_id", "session_id", "colour", "action_type", "product_id", "event_time"))
COLUMNS = Columns.of(LAYOUT)
EMPTY = ",,,,,"


def split(data: bytes) -> tuple[list[bytes], list[dict[str, object] | None]]:
    """The records of `data`, and of each what was split, `None` where it was not."""
    texts: list[bytes] = []
    found: list[dict[str, object] | None] = []
    for records in split_blocks([data], offset=0, line=2, fields=6, delimiter=","):
        is_split, *columns = split_fields(records.values, records.flags == 0, COLUMNS)
        texts += records.values.to_pylist()
        for row, yes in enumerate(is_split.to_pylist()):
            values = {
                name: column[row].as_py() for name, column in zip((*FIELDS, "extras"), columns, strict=True)
            }
            assert yes or all(value in (None, [None]) for value in values.values())
            found.append(values if yes else None)
    return texts, found


def expected(record: bytes) -> dict[str, object]:
    (row,) = csv.reader([record.decode()], strict=True)
    by_name = dict(zip(LAYOUT.columns, row, strict=True))
    values: dict[str, object] = {
        field: (by_name.get(field) or "").strip(" \t\r\n\f\v\u00a0\u3000") or None for field in FIELDS
    }
    return values | {"extras": [by_name["colour"] or None]}


def test_a_good_file_is_split_whole() -> None:
    _, found = split(b'u,s,"red, or so",view, p ,t\nu2,s2,,view,p2,t2\r\nu3,"",x,"",p,t')

    assert found[0] == dict.fromkeys(FIELDS) | {
        "user_id": "u", "session_id": "s", "action_type": "view", "product_id": "p", "event_time": "t",
        "extras": ["red, or so"],
    }  # fmt: skip
    assert None not in found
    assert found[1] is not None
    assert found[1]["extras"] == [None]


def test_one_odd_record_does_not_slow_down_the_others() -> None:
    odd = [
        b'u,s,a"b"c,view,p,t',
        b'u,s,"a"b,view,p,t',
        b"u,s,view,p,t",
        b"u,s,c,view,p,t,t",
        b'u,s,"a""b",view,p,t',
    ]
    good = b"u,s,c,view,p,t"
    _, found = split(b"\n".join(part for record in odd for part in (good, record)) + b"\n")

    assert [values is not None for values in found] == [True, False] * len(odd)


def test_a_record_over_two_lines_and_a_lone_carriage_return_are_left_alone() -> None:
    texts, found = split(b'u,s,c,view,p,t\nu,s,"two\nlines",view,p,t\nu,s,c\rd,view,p,t\nu,s,c,view,p,t\n')

    assert len(texts) == 4
    assert [values is not None for values in found] == [True, False, False, True]


def test_records_that_are_no_candidates_are_not_split() -> None:
    values = pa.array([b"u,s,c,view,p,t\n"] * 3, pa.binary())

    is_split, user, *_ = split_fields(values, np.array([True, False, True]), COLUMNS)

    assert is_split.to_pylist() == [True, False, True]
    assert user.to_pylist() == [None] * 3


# The alphabet of trouble: a few letters, white space of all kinds, delimiters, quotes, line ends.
trouble = st.text(alphabet='ab ,"\n\r\t\u00a0é', max_size=12)
lines = st.lists(
    st.lists(trouble, min_size=5, max_size=7).map(",".join) | st.just("u,s,c,view,p,t"), max_size=8
)


@given(lines.map("\n".join))
@example('a",b,"c,d,e,f\n')
@example('"a,b\n",c,d,e,f,"\n')
@example('u,s,"\n' + EMPTY + '\nu,s,a",x,"b,p,t\n' + EMPTY + '\nx"y,1,2,3,4,5\n')
def test_what_is_split_is_what_the_standard_reader_reads(text: str) -> None:
    records, found = split(text.encode())

    for record, values in zip(records, found, strict=True):
        if values is not None:
            assert values == expected(record)
