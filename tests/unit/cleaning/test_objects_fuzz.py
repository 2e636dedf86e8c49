"""JSON lines: the same rows as of CSV, and the same to both readers, whatever a line is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hostile_objects import NO_OBJECTS, lines, written
from hostile_rows import GOOD, PATH, Dialect, dialects, quoted, values
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_cleaning_fuzz import ALL_TIMES, PLAIN, small_limits
from two_readers import Cut, Outcomes, agreed, by_stream

from clickstream_assets.contract import IdenticalRows
from clickstream_assets.second_reader.outcomes import Reject
from spark.mapping.mapping_file import read_mapping

GOOD_LINE = b'{"user_id":"u","session_id":"s","action_type":"view","product_id":"p","event_time":1772366400}'
CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("events")


@st.composite
def tables(draw: st.DrawFn) -> tuple[Dialect, list[dict[str, str]]]:
    """A mapping, and rows of all its columns."""
    dialect = draw(st.just(PLAIN) | dialects())
    near = values(dialect)
    names = (*GOOD, "extra", "User ID", "Kunde")
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        row = {name: GOOD.get(name, "") for name in names}
        for name in draw(st.lists(st.sampled_from(names), max_size=3)):
            row[name] = draw(near.get(name, st.sampled_from(["", "x", '{"a": [1.50]}', '"', "1e5", "true"])))
        rows.append(row)
    return dialect, rows


def plain(found: Outcomes) -> list[Any]:
    """Without what is of the format."""
    kept = []
    for number, row in enumerate(found):
        if isinstance(row, Reject):
            kept.append((number, row.reason, row.detail))
        else:
            kept.append((number, *row[1:]))
    return kept


@settings(max_examples=70, suppress_health_check=CHECKS)
@given(table=tables(), identical_rows=st.sampled_from(["merge", "keep"]), data=st.data())
def test_the_same_rows_in_both_formats_are_the_same_events_and_rejects(
    directory: Path,
    table: tuple[Dialect, list[dict[str, str]]],
    identical_rows: IdenticalRows,
    data: st.DataObject,
) -> None:
    dialect, rows = table
    names = sorted(rows[0])
    header = ",".join(quoted(name, "always", ",") for name in names)
    cells = [",".join(quoted(row[name], "always", ",") for name in names) for row in rows]
    # A line without any value, so that all columns are there; it is rejected in both.
    first = "{" + ",".join(f'"{name}":null' for name in names) + "}"
    csv = "\n".join([header, ",".join('""' for _ in names), *cells, ""]).encode()
    objects = "\n".join([first, *(data.draw(written(row)) for row in rows), ""]).encode()
    toml = dialect.toml.replace('escape = "backslash"', 'escape = "none"')
    described = directory / "mapping.toml"
    described.write_text(toml)
    path = directory / "same.csv"
    path.write_bytes(csv)
    inspection, expected = by_stream(
        path, read_mapping(described), ALL_TIMES, identical_rows=identical_rows, relative=PATH
    )
    if inspection.layout is None or any(
        isinstance(row, Reject) and row.reason == "field_count" for row in expected
    ):
        return
    found = agreed(
        directory,
        objects,
        toml,
        ALL_TIMES,
        identical_rows=identical_rows,
        cut=Cut(
            data.draw(st.integers(1, 2_000)), data.draw(st.integers(1, 700)), is_zstd=data.draw(st.booleans())
        ),
        relative=PATH,
    )
    assert plain(found) == plain(expected)


@settings(max_examples=150, suppress_health_check=CHECKS)
@example([], 1, 1)
@given(
    st.lists(st.sampled_from(NO_OBJECTS) | st.just(GOOD_LINE), max_size=12),
    st.integers(1, 400),
    st.integers(1, 400),
)
def test_a_line_is_one_event_or_one_reject_whatever_it_is(
    directory: Path, pieces: list[bytes], chunk_bytes: int, block_bytes: int
) -> None:
    content = lines([GOOD_LINE, *pieces])
    cut = Cut(chunk_bytes, block_bytes)
    found = agreed(directory, content, "", ALL_TIMES, cut=cut, relative="events.jsonl")
    assert len(found) == 1 + sum(1 for piece in pieces if piece.strip())
    with small_limits():
        agreed(directory, content, "", ALL_TIMES, cut=cut, relative="events.jsonl")
