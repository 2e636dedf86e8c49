"""The same events in every format: the same rows, identities, reasons and dead letters, through the real stream."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stream_pipeline import Pipeline
from two_readers import zstd

from clickstream_assets.database import connect
from clickstream_assets.rejects.reads import RejectFilter, export_csv
from clickstream_assets.rejects.replay import Replay, replay_as_they_are, replay_repaired
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.values_audit.audit import audit_values
from clickstream_assets.values_audit.findings import ValuesAudit
from clickstream_assets.values_audit.opening import FilesToRead
from spark.inspection import inspecting
from spark.mapping.mapping_file import mapping_of
from spark.mapping.source_mapping import UNMAPPED

pytestmark = pytest.mark.spark

HEADER = "user_id,session_id,action,product_id,ts,price,shop\n"
ROWS = (
    "Jürgen,s1,view,p1,2026-03-01T12:00:00Z,5.50,Köln\n"
    'u2,s2,view,"p,2",1772366400123,,"two ""words"""\n'
    "u3,s3,look,p3,2026-03-01T12:00:00Z,1,\n"
    "u4,s4,view,p4,noon,,Köln\n"
    "u5,s5,view,p5,2026-03-01T12:00:00Z,-1,\n"
)
TEXT = HEADER + ROWS
REASONS = {"unknown_action_type": 1, "invalid_event_time": 1, "negative_price": 1}


def audit(pipeline: Pipeline) -> ValuesAudit:
    reading = FilesToRead(pipeline.root, pipeline.settings.archive_dir, AuditMapping())
    connection = connect(pipeline.database.reader_url, "tests", autocommit=True)
    try:
        return audit_values(connection, reading)
    finally:
        connection.close()


def replayed(pipeline: Pipeline, reason: str) -> Replay:
    connection = connect(pipeline.database.writer_url, "tests", autocommit=True)
    try:
        return replay_as_they_are(connection, pipeline.root, RejectFilter(reason=reason), again=False)
    finally:
        connection.close()


def test_compressed_and_encoded_files_say_the_same_as_plain_ones(pipeline: Pipeline) -> None:
    named = mapping_of({"format": {"encoding": "windows-1252"}}, "")
    pipeline.write("plain.csv", TEXT, "")
    pipeline.load()
    plain = pipeline.rows("SELECT line_no, reason, detail, raw FROM rejected_events ORDER BY line_no")
    assert pipeline.counts() == (5, 2, 0, 3)
    pipeline.write("a.csv.zst", zstd(TEXT.encode()), "")
    pipeline.write("b", gzip.compress(TEXT.encode("utf-16")), "")
    pipeline.write("c.txt", TEXT.replace("\n", "\r\n").encode("utf-16"), "")
    pipeline.load()
    pipeline.write("d.csv", TEXT.encode("cp1252"), "")
    pipeline.write("e.csv.zst", zstd(TEXT.encode("cp1252")), "")
    pipeline.load(mapping=named)
    assert pipeline.counts() == (30, 2, 10, 18)
    assert pipeline.rows("SELECT * FROM event_conflicts") == []
    for file_id in range(1, 7):
        found = pipeline.rows(
            "SELECT line_no, reason, detail, raw FROM rejected_events WHERE file_id = %(id)s ORDER BY line_no",
            id=file_id,
        )
        assert [tuple(map(bytes_of, row)) for row in found] == [tuple(map(bytes_of, row)) for row in plain]
    result = audit(pipeline)
    assert (result.offences, result.files, result.rows) == ([], 6, 30)
    pipeline.assert_conserved()


OBJECTS = (
    '{"ts":"2026-03-01T12:00:00Z","user_id":"J\\u00fcrgen","session_id":"s1","action":"view","product_id":"p1",'
    '"price":5.50,"shop":"K\u00f6ln"}\n'
    '{"user_id":"u2","session_id":"s2","action":"view","product_id":"p,2","ts":1772366400123,"price":null,'
    '"shop":"two \\"words\\""}\r\n'
    '{"user_id":"u3","session_id":"s3","action":"look","product_id":"p3","ts":"2026-03-01T12:00:00Z","price":1}\n\n'
    '{"user_id":"u4","session_id":"s4","action":"view","product_id":"p4","ts":"noon","shop":"K\u00f6ln"}\n'
    '{"user_id":"u5","session_id":"s5","action":"view","product_id":"p5","ts":"2026-03-01T12:00:00Z","price":-1}\n'
    '{"user_id":"u6",\n'
    "[1, 2]\n"
)


def test_json_lines_are_the_same_rows_as_csv(pipeline: Pipeline) -> None:
    pipeline.write("plain.csv", TEXT, "")
    pipeline.load()
    pipeline.write("a.json", OBJECTS, "")
    pipeline.write("b.jsonl.zst", zstd(b"\xef\xbb\xbf" + OBJECTS.encode()), "")
    pipeline.write("c", OBJECTS.encode("utf-16"), "")
    pipeline.load()
    assert pipeline.counts() == (26, 2, 6, 18)
    assert pipeline.rows("SELECT * FROM event_conflicts") == []
    for file_id in range(2, 5):
        found = pipeline.rows(
            "SELECT line_no, reason, detail FROM rejected_events WHERE file_id = %(id)s ORDER BY line_no",
            id=file_id,
        )
        assert found == [
            (3, "unknown_action_type", "look"),
            (5, "invalid_event_time", "noon"),
            (6, "negative_price", "-1"),
            (7, "not_json", None),
            (8, "no_object", None),
        ]
    result = audit(pipeline)
    assert (result.offences, result.files, result.rows) == ([], 4, 26)
    pipeline.assert_conserved()


def test_objects_that_were_rejected_come_back_repaired_or_as_they_are(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    pipeline.write("a.jsonl", OBJECTS, "")
    pipeline.load()
    replay = replayed(pipeline, "unknown_action_type")
    assert [path.suffix for path in replay.files] == [".jsonl"]
    connection = connect(pipeline.database.writer_url, "tests", autocommit=True)
    try:
        export_csv(connection, RejectFilter(), False, tmp_path / "repaired.csv")
        text = (tmp_path / "repaired.csv").read_text()
        content = text.replace("noon", "2026-03-01T13:00:00Z").encode()
        repaired = replay_repaired(connection, pipeline.root, content, again=False)
    finally:
        connection.close()
    assert (repaired.rows, repaired.unchanged) == (1, 3)
    pipeline.load(mapping=mapping_of({"actions": {"look": "view"}}, ""))
    assert pipeline.files() == [("committed", None)] * 3
    assert pipeline.rows("SELECT user_id, price::text, extra->>'replay_of' FROM events ORDER BY user_id") == [
        ("J\u00fcrgen", "5.50", None),
        ("u2", None, None),
        ("u3", "1", "1:3"),
        ("u4", None, "1:5"),
    ]
    assert audit(pipeline).offences == []
    pipeline.assert_conserved()


def test_large_json_lines_are_cut_into_chunks_and_nested_values_are_found(pipeline: Pipeline) -> None:
    mapping = mapping_of({"fields": {"product_id": {"column": "props", "json": "items[0].sku"}}}, "")
    row = '{"user":"%d","session":"s","action":"view","props":{"items":[{"sku":%d}]},"ts":"2026-03-01T12:00:00Z"}\n'
    pipeline.write("a.json", "".join(row % (number, number) for number in range(500)), "")
    pipeline.load(mapping=mapping, chunk_bytes=2_000)
    assert pipeline.counts() == (500, 500, 0, 0)
    assert pipeline.rows(
        "SELECT count(*)::int FROM events WHERE product_id = user_id AND line_no = user_id::int + 1"
    ) == [(500,)]
    assert pipeline.rows("SELECT extra FROM events WHERE line_no = 1") == [
        ({"props": '{"items": [{"sku": 0}]}'},)
    ]
    assert audit(pipeline).offences == []


def parquet(rows: int = 1, row_group_size: int = 1_000, **columns: object) -> bytes:
    """A file of the rows of TEXT, so many times."""
    of_text = {
        "user_id": ["Jürgen", "u2", "u3", "u4", "u5"],
        "session_id": ["s1", "s2", "s3", "s4", "s5"],
        "action": ["view", "view", "look", "view", "view"],
        "product_id": ["p1", "p,2", "p3", "p4", "p5"],
        "ts": [
            "2026-03-01T12:00:00Z",
            "1772366400123",
            "2026-03-01T12:00:00Z",
            "noon",
            "2026-03-01T12:00:00Z",
        ],
        "price": [5.5, None, 1.0, None, -1.0],
        "shop": ["Köln", 'two "words"', None, "Köln", None],
    }
    table = pa.concat_tables([pa.table(of_text | columns)] * rows)
    output = io.BytesIO()
    pq.write_table(table, output, row_group_size=row_group_size)
    return output.getvalue()


def test_parquet_is_the_same_rows_as_csv(pipeline: Pipeline) -> None:
    pipeline.write("plain.csv", TEXT, "")
    pipeline.load()
    pipeline.write("a.parquet", parquet(), "")
    pipeline.write("b.csv", parquet(row_group_size=1), "")
    pipeline.load()
    assert pipeline.counts() == (15, 2, 4, 9)
    assert pipeline.rows("SELECT * FROM event_conflicts") == []
    found = pipeline.rows(
        "SELECT line_no, reason, detail, convert_from(raw, 'UTF8')::jsonb->>'session_id', byte_offset::int"
        " FROM rejected_events WHERE file_id = 3 ORDER BY line_no"
    )
    assert found == [
        (3, "unknown_action_type", "look", "s3", 0),
        (4, "invalid_event_time", "noon", "s4", 0),
        (5, "negative_price", "-1", "s5", 0),
    ]
    result = audit(pipeline)
    assert (result.offences, result.files, result.rows) == ([], 3, 15)
    assert replayed(pipeline, "unknown_action_type").rows == 3
    pipeline.load(mapping=mapping_of({"actions": {"look": "view"}}, ""))
    assert pipeline.counts() == (18, 3, 6, 9)
    assert audit(pipeline).offences == []
    pipeline.assert_conserved()


def test_the_row_groups_of_a_large_parquet_file_are_several_chunks(pipeline: Pipeline) -> None:
    defaults = (UNMAPPED, 2_000)
    with patch.object(inspecting.inspect_file, "__defaults__", defaults):
        pipeline.write("a.parquet", parquet(400, 100), "")
        pipeline.load(identical_rows="keep")
    assert pipeline.counts() == (2_000, 800, 0, 1_200)
    assert pipeline.rows("SELECT count(DISTINCT line_no)::int, max(line_no)::int FROM events") == [
        (800, 1_997)
    ]
    pipeline.assert_conserved()


def test_a_parquet_file_that_is_damaged_is_refused_and_the_others_are_loaded(pipeline: Pipeline) -> None:
    content = parquet()
    pipeline.write("a.parquet", content[:4] + b"\xff" * 60 + content[64:], "")
    pipeline.write("b.parquet", content[:-1], "")
    pipeline.write("c.parquet", content, "")
    pipeline.load()
    assert pipeline.files() == [("rejected", "damaged_parquet")] * 2 + [("committed", None)]
    pipeline.assert_conserved()


def bytes_of(value: object) -> object:
    return bytes(value) if isinstance(value, memoryview) else value


def test_what_is_replayed_is_read_as_utf8_whatever_the_mapping_says(pipeline: Pipeline) -> None:
    encoded = {"format": {"encoding": "windows-1252", "path": "{kind}_*.csv.zst"}}
    kind = {"fields": {"user_agent": {"path": "kind"}}}
    row = "Jürgen,s3,look,Žižkov,2026-03-01T12:00:00Z,1,\n"
    pipeline.write("ä_1.csv.zst", zstd((HEADER + row).encode("cp1252")), "")
    pipeline.load(mapping=mapping_of(encoded | kind, ""))
    assert pipeline.reasons() == {"unknown_action_type": 1}
    replay = replayed(pipeline, "unknown_action_type")
    assert (replay.rows, len(replay.files)) == (1, 1)
    pipeline.load(mapping=mapping_of(encoded | kind | {"actions": {"look": "view"}}, ""))
    assert pipeline.files() == [("committed", None)] * 2
    assert pipeline.rows("SELECT user_id, product_id, user_agent FROM events") == [("Jürgen", "Žižkov", "ä")]
    assert audit(pipeline).offences == []
