"""Which files `check-source` looks at, and what it says of them."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark.cleaning.time_bounds import TimeBounds
from spark.mapping.mapping_file import mapping_of
from spark.mapping.source_mapping import SourceMapping
from spark.sample.report import report
from spark.sample.sampling import Sample, find_files, sample_file, spread

HEADER = b"user_id,session_id,action_type,product_id,event_time\n"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def sample(root: Path, rows: int = 1000, mapping: SourceMapping | None = None) -> list[Sample]:
    mapping = mapping or SourceMapping()
    candidates = find_files(os.fsencode(root)).files
    return [
        sample_file(os.fsencode(root), candidate, number, rows, mapping, TimeBounds.at(NOW))
        for number, candidate in enumerate(candidates)
    ]


@given(st.integers(0, 200), st.integers(1, 50))
def test_files_are_spread_evenly_and_the_newest_is_among_them(files: int, most: int) -> None:
    chosen = spread(list(range(files)), most)
    assert len(chosen) == len(set(chosen)) == min(files, most)
    assert chosen == sorted(chosen)
    assert not files or chosen[-1] == files - 1


@pytest.mark.parametrize("compress", [False, True])
def test_only_the_first_records_are_read(tmp_path: Path, compress: bool) -> None:
    data = HEADER + b"".join(b"u%d,s,view,p,2026-01-01T00:00:00Z\n" % number for number in range(5000))
    (tmp_path / "a.csv").write_bytes(gzip.compress(data) if compress else data)
    (found,) = sample(tmp_path, rows=10)
    assert found.cleaned is not None
    assert found.cleaned.events["user_id"].to_pylist() == [f"u{number}" for number in range(10)]
    assert found.cleaned.events["line_no"].to_pylist() == list(range(2, 12))


def test_a_file_with_a_header_alone_has_no_records(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER)
    (found,) = sample(tmp_path)
    assert found.layout is not None
    assert found.cleaned is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "It has no bytes."),
        (b"kunde,was\n1,2\n", "The first line, of 2 columns, names none of our fields."),
        (b"user_id,action\n1,view\n", "The header lacks session_id, product_id, event_time"),
        (b"u\0s\0", "If it is UTF-16, say so in [format] encoding."),
        (b"PAR1....", "The Parquet data is damaged"),
    ],
)
def test_a_file_that_would_be_refused_says_why(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    (found,) = sample(tmp_path)
    assert found.layout is None
    assert says in (found.detail or "")
    lines, is_good = report([found], 1, SourceMapping())
    assert not is_good
    assert any(says in line for line in lines)


def test_hidden_files_and_what_is_no_file_are_no_surprise(tmp_path: Path) -> None:
    (tmp_path / ".mapping.toml").write_text("x")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert sorted(found.reason or "" for found in sample(tmp_path)) == ["broken_link", "not_a_file"]


def test_names_that_are_not_read_are_said(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv.part", ".c"):
        (tmp_path / name).write_bytes(HEADER)
    found = find_files(os.fsencode(tmp_path))
    assert [candidate.path for candidate in found.files] == [b"a.csv"]
    lines, _ = report(sample(tmp_path), 1, SourceMapping(), found.ignored)
    assert lines[1] == "2 more are not read, by their names: .c, b.csv.part."


def test_a_sample_is_read_in_the_dialect_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"sep=,\n" + HEADER + rb'"say \"hi\"",s,view,p,2026-01-01T00:00:00Z')
    (found,) = sample(tmp_path)
    assert found.cleaned is not None
    assert found.cleaned.events["user_id"].to_pylist() == ['say "hi"']
    assert found.cleaned.events["line_no"].to_pylist() == [3]


def test_the_report_counts_events_rejects_and_repeats(tmp_path: Path) -> None:
    rows = (
        b"u,s,view,p,2026-01-01T00:00:00Z\n"
        b"u,s,view,p,2026-01-01T00:00:00Z\n"
        b"u,s,purchase,p,2026-01-01T00:00:00Z\n"
        b"u,s,gekauft,p,2026-01-01T00:00:00Z\n"
        b"u,s,geschaut,p,2026-01-01T00:00:00Z\n"
        b"the raw line\n"
    )
    (tmp_path / "a.csv").write_bytes(HEADER + rows)
    lines, is_good = report(sample(tmp_path), 7, SourceMapping())
    text = "\n".join(lines)
    assert not is_good
    assert lines[0] == "7 files, 1 looked at, 6 rows in all."
    assert "rows (6): 3 become events, 3 are rejected" in text
    assert "unknown_action_type           2   a.csv, line 5: 'gekauft'" in text
    assert "→ 'gekauft' 1, 'geschaut' 1" in text
    assert "field_count                   1   a.csv, line 7: 'the raw line'" in text
    assert "actions: view 2, purchase 1" in text
    assert "repeats: 1 rows" in text
    assert report(sample(tmp_path, rows=1), 1, SourceMapping())[1]


def test_the_report_says_what_a_mapping_could_do_for_rejected_rows(tmp_path: Path) -> None:
    header = HEADER.removesuffix(b"\n") + b",price\n"
    rows = b'u,s,view,p,2026-01-01T00:00:00Z,"19,90"\n"u"1,s,view,p,2026-01-01T00:00:00Z,1\n'
    (tmp_path / "a.csv").write_bytes(header + rows)
    text = "\n".join(report(sample(tmp_path), 1, SourceMapping())[0])
    assert '→ a.csv looks like decimal commas: write [price] decimal = ","' in text
    assert "→ a quote within quotes is doubled" in text
    mapped = mapping_of({"price": {"decimal": ","}}, "mapping.toml")
    assert "decimal commas" not in "\n".join(report(sample(tmp_path, mapping=mapped), 1, mapped)[0])


LINE = b'{"user_id":"u","session_id":"s","action":"view","product_id":7,"ts":1772366400,"shop":{"a":1.50}}\n'


def test_json_lines_are_sampled_by_their_keys(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(LINE * 5 + b'{"user_id":\n')
    (found,) = sample(tmp_path)
    assert found.cleaned is not None
    assert (len(found.cleaned.events), found.cleaned.rejects["reason"].to_pylist()) == (5, ["not_json"])
    lines, is_good = report([found], 1, SourceMapping())
    assert not is_good
    assert any("JSON lines" in line for line in lines)


def test_parquet_is_sampled_over_its_row_groups(tmp_path: Path) -> None:
    columns = {
        "user_id": ["u"],
        "session_id": ["s"],
        "action": ["view"],
        "product_id": [7],
        "ts": [1772366400],
    }
    table = pa.concat_tables([pa.table(columns)] * 10)
    pq.write_table(table, tmp_path / "a", row_group_size=2)
    (found,) = sample(tmp_path, rows=5)
    assert found.cleaned is not None
    assert len(found.cleaned.events) == 5
    lines, is_good = report([found], 1, SourceMapping())
    assert is_good
    assert any("Parquet" in line for line in lines)


def test_columns_of_json_and_parquet_that_are_not_ours_are_shown(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b'{"kunde":1}\n')
    pq.write_table(pa.table({"kunde": [1]}), tmp_path / "b")
    found = sample(tmp_path)
    assert [one.reason for one in found] == ["no_header"] * 2
    assert [one.looked and one.looked.layout.columns for one in found] == [("kunde",)] * 2
