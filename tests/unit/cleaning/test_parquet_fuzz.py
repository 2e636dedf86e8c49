"""Parquet: the same rows as of CSV, and the same to both readers, whatever its types are."""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hostile_rows import PATH, Dialect, quoted
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_cleaning_fuzz import ALL_TIMES
from test_objects_fuzz import plain, tables
from two_readers import Outcomes, by_stream

from clickstream_assets.contract import IdenticalRows
from clickstream_assets.second_reader.layout import FileLayout
from clickstream_assets.second_reader.mapping import parse_audit_mapping
from clickstream_assets.second_reader.outcomes import Event, Reject
from clickstream_assets.second_reader.rows import Bounds, RowReader
from clickstream_assets.second_reader.tables import table_records
from spark.mapping.mapping_file import read_mapping
from spark.mapping.source_mapping import UNMAPPED

CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


def both(
    path: Path, toml: str = "", identical_rows: IdenticalRows = "merge", chunk_bytes: int = 1 << 24
) -> Outcomes:
    """What both readers make of a file; it fails where they do not agree."""
    described = path.parent / "mapping.toml"
    described.write_text(toml)
    inspection, ours = by_stream(
        path,
        read_mapping(described),
        ALL_TIMES,
        identical_rows=identical_rows,
        chunk_bytes=chunk_bytes,
        relative=PATH,
    )
    assert inspection.layout is not None, inspection
    assert inspection.layout.format == "parquet"
    layout = FileLayout(inspection.layout.columns, format="parquet")
    limits = Bounds(ALL_TIMES.oldest, ALL_TIMES.latest)
    reader = RowReader(layout, parse_audit_mapping(tomllib.loads(toml)), identical_rows, limits, PATH)
    theirs = [reader.read(record) for record in table_records(os.fspath(path))]
    theirs = [row._replace(event_time=None) if isinstance(row, Reject) else row for row in theirs]
    for our, their in zip(ours, theirs, strict=False):
        assert our == their
    assert len(ours) == len(theirs)
    return ours


@settings(max_examples=60, suppress_health_check=CHECKS)
@given(
    table=tables(),
    identical_rows=st.sampled_from(["merge", "keep"]),
    group_rows=st.integers(1, 9),
    chunk_bytes=st.integers(1, 5_000),
    kind=st.sampled_from(
        [pa.string(), pa.large_string(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]
    ),
)
def test_the_same_rows_in_both_formats_are_the_same_events_and_rejects(
    directory: Path,
    table: tuple[Dialect, list[dict[str, str]]],
    identical_rows: IdenticalRows,
    group_rows: int,
    chunk_bytes: int,
    kind: pa.DataType,
) -> None:
    dialect, rows = table
    names = sorted(rows[0])
    lines = [",".join(quoted(cell, "always", ",") for cell in names)]
    lines += [",".join(quoted(row[name], "always", ",") for name in names) for row in rows]
    toml = dialect.toml.replace('escape = "backslash"', 'escape = "none"')
    (directory / "mapping.toml").write_text(toml)
    path = directory / "same.csv"
    path.write_bytes("\n".join([*lines, ""]).encode())
    inspection, expected = by_stream(
        path,
        read_mapping(directory / "mapping.toml"),
        ALL_TIMES,
        identical_rows=identical_rows,
        relative=PATH,
    )
    if inspection.layout is None or any(
        isinstance(row, Reject) and row.reason == "field_count" for row in expected
    ):
        return
    columns = {name: pa.array([row[name] or None for row in rows], pa.string()).cast(kind) for name in names}
    path = directory / "same.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=group_rows)
    found = both(path, toml, identical_rows, chunk_bytes)
    assert [row.line_no for row in found] == list(range(1, len(rows) + 1))
    assert plain(found) == plain(expected)


BASE = {
    "user_id": pa.array(["u"] * 3),
    "session_id": pa.array(["s"] * 3),
    "action": pa.array(["view"] * 3),
    "product_id": pa.array(["p"] * 3),
    "ts": pa.array([1_772_366_400] * 3),
}
MARCH = dt.datetime(2026, 3, 1, 12, 0, 0, 123_456)
LEAVES = {
    pa.int8(): st.integers(-128, 127),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.uint64(): st.integers(0, 2**64 - 1),
    pa.float64(): st.floats(),
    pa.float32(): st.floats(width=32),
    pa.float16(): st.floats(width=16),
    pa.bool_(): st.booleans(),
    pa.decimal128(20, 10): st.decimals(-(10**9), 10**9, places=10),
    pa.decimal128(9, 2): st.decimals(-(10**6), 10**6, places=2),
    pa.string(): st.text(st.characters(codec="utf-8"), max_size=8),
    pa.binary(): st.binary(max_size=8),
    pa.binary(4): st.binary(min_size=4, max_size=4),
    pa.date32(): st.dates(),
    pa.time64("us"): st.times(),
    pa.time32("ms"): st.times().map(lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)),
    pa.timestamp("us"): st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    pa.timestamp("ms", "Europe/Berlin"): st.datetimes(
        dt.datetime(1900, 1, 1),
        dt.datetime(2100, 1, 1),
        timezones=st.just(dt.UTC),
    ).map(lambda at: at.replace(microsecond=0)),
    pa.timestamp("ns"): st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2100, 1, 1)),
    pa.list_(pa.float64()): st.lists(st.floats(), max_size=3),
    pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]): st.fixed_dictionaries(
        {
            "a": st.none() | st.integers(0, 9),
            "b": st.lists(st.text(st.characters(codec="utf-8"), max_size=3), max_size=2),
        }
    ),
    pa.map_(pa.string(), pa.int32()): st.lists(
        st.tuples(st.sampled_from(["a", "b", '"']), st.integers(0, 9)),
        max_size=2,
        unique_by=lambda pair: pair[0],
    ),
}


@settings(max_examples=150, suppress_health_check=CHECKS)
@given(data=st.data(), name=st.sampled_from(["user_id", "product_id", "price", "ts", "other", "event_id"]))
def test_a_value_of_any_type_is_the_same_text_to_both(
    directory: Path, data: st.DataObject, name: str
) -> None:
    kind = data.draw(st.sampled_from(list(LEAVES)))
    values = data.draw(st.lists(st.none() | LEAVES[kind], min_size=3, max_size=3))
    path = directory / "types.parquet"
    pq.write_table(pa.table(BASE | {name: pa.array(values, kind)}), path)
    both(path)


def test_a_whole_number_of_32_bits_keeps_all_of_its_digits(directory: Path) -> None:
    path = directory / "single.parquet"
    ids = pa.array([96_743_368.0, 16_777_216.0, 0.1], pa.float32())
    pq.write_table(pa.table(BASE | {"user_id": ids}), path)
    assert [row.user_id for row in both(path) if isinstance(row, Event)] == ["96743368", "16777216", "0.1"]


def test_values_are_what_csv_would_say(directory: Path) -> None:
    columns = BASE | {
        "user_id": pa.array([2**63, 2**64 - 1, None], pa.uint64()),
        "product_id": pa.array([12345.0, 5_100_000_000.0, 0.5]),
        "price": pa.array([Decimal("19.90"), None, Decimal("0.00")], pa.decimal128(9, 2)),
        "ts": pa.array([MARCH] * 3, pa.timestamp("us")),
        "tags": pa.array([[{"a": 1.5}], [], None], pa.list_(pa.struct([("a", pa.float64())]))),
        "flag": pa.array([True, False, None]),
    }
    path = directory / "values.parquet"
    pq.write_table(pa.table(columns), path)
    first, second, third = both(path, '[time]\nzone = "Europe/Berlin"\n')
    assert isinstance(first, Event)
    assert isinstance(second, Event)
    assert isinstance(third, Reject)
    assert first[2:] == (
        "9223372036854775808", "s", "view", "12345", 1_772_362_800_123_456, "19.90", None,
        {"tags": '[{"a": 1.5}]', "flag": "true"},
    )  # fmt: skip
    assert (second.user_id, second.product_id, second.price) == ("18446744073709551615", "5100000000", None)
    assert (third.reason, third.byte_offset, third.byte_length) == ("missing_user_id", 0, len(third.raw))
    assert third.raw == (
        b'{"user_id":null,"session_id":"s","action":"view","product_id":0.5,"ts":"2026-03-01 12:00:00.123456",'
        b'"price":0.00,"tags":null,"flag":null}'
    )


def test_a_time_with_a_zone_is_that_moment_whatever_the_mapping_says(directory: Path) -> None:
    at = pa.array([MARCH.replace(tzinfo=dt.UTC)] * 3, pa.timestamp("ns", "Asia/Tokyo"))
    path = directory / "zone.parquet"
    pq.write_table(pa.table(BASE | {"ts": at}), path)
    found = both(path, '[time]\nzone = "Europe/Berlin"\n')
    assert [row[6] for row in found] == [1_772_366_400_123_456] * 3


def refusal(path: Path) -> tuple[str | None, bool]:
    inspection, _ = by_stream(path, UNMAPPED, ALL_TIMES)
    return inspection.reason, inspection.is_unterminated


def damaged(content: bytes) -> dict[str, tuple[bytes, tuple[str, bool]]]:
    middle = len(content) // 2
    return {
        "cut": (content[:-1], ("damaged_parquet", True)),
        "cut in the middle": (content[:middle], ("damaged_parquet", True)),
        "the mark alone": (b"PAR1", ("damaged_parquet", True)),
        "encrypted": (content[:-4] + b"PARE", ("unsupported_format", False)),
        "a footer that is none": (content[:-40] + b"x" * 32 + content[-8:], ("damaged_parquet", False)),
        "a footer beyond the file": (content[:-8] + b"\xff\xff\xff\x7fPAR1", ("damaged_parquet", False)),
        "pages that are none": (content[:4] + b"\xff" * 60 + content[64:], ("damaged_parquet", False)),
    }


@pytest.mark.parametrize("name", list(damaged(b"x" * 100)))
def test_a_damaged_file_is_refused(directory: Path, name: str) -> None:
    path = directory / "whole.parquet"
    pq.write_table(pa.table(BASE), path)
    content, expected = damaged(path.read_bytes())[name]
    path = directory / "damaged.parquet"
    path.write_bytes(content)
    assert refusal(path) == expected


def test_a_file_without_rows_is_read(directory: Path) -> None:
    path = directory / "empty.parquet"
    pq.write_table(pa.table(BASE).slice(0, 0), path)
    inspection, found = by_stream(path, UNMAPPED, ALL_TIMES)
    assert (inspection.reason, inspection.chunks, found) == (None, (), [])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [({"a": BASE["ts"]}, "no_header"), ({"user_id": BASE["user_id"], "ts": BASE["ts"]}, "missing_columns")],
)
def test_columns_that_are_not_ours_are_refused(directory: Path, columns: dict[str, Any], reason: str) -> None:
    path = directory / "columns.parquet"
    pq.write_table(pa.table(columns), path)
    assert refusal(path) == (reason, False)


def test_nested_values_of_parquet_that_python_has_no_words_for(tmp_path: Path) -> None:
    columns: dict[str, Any] = {name: [name[0]] for name in ("user_id", "session_id", "product_id")}
    columns |= {"action": ["view"], "ts": ["2020-01-01T00:00:00Z"]}
    columns["a"] = pa.array([[]], pa.map_(pa.string(), pa.int64()))
    columns["b"] = pa.array([[[("k", [])], []]], pa.list_(pa.map_(pa.string(), pa.list_(pa.int8()))))
    columns["c"] = pa.array([[2**62, 0, None]], pa.list_(pa.timestamp("us")))
    columns["d"] = pa.array([[("k", 10**8)]], pa.map_(pa.string(), pa.date32()))
    columns["e"] = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"])
    columns["f"] = pa.array([{"m": [("k", 10**8)]}], pa.struct([("m", pa.map_(pa.string(), pa.date32()))]))
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    (event,) = both(tmp_path / "a.parquet")
    far = '"<value out of range: 100000000>"'
    assert event.extra == {  # type: ignore[union-attr]
        "a": "{}",
        "b": '[{"k": []}, {}]',
        "c": '["<value out of range: 4611686018427387904>", "1970-01-01 00:00:00", null]',
        "d": f'{{"k": {far}}}',
        "e": '{"x": 2}',
        "f": f'{{"m": {{"k": {far}}}}}',
    }
