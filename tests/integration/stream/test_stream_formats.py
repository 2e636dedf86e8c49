"""The same events in every format: the same rows, identities, reasons and dead letters, through the real stream."""

from __future__ import annotations

import gzip

import pytest
from stream_pipeline import Pipeline
from two_readers import zstd

from clickstream_assets.database import connect
from clickstream_assets.rejects.reads import RejectFilter
from clickstream_assets.rejects.replay import Replay, replay_as_they_are
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.values_audit.audit import Reading, audit_values
from clickstream_assets.values_audit.findings import ValuesAudit
from spark.mapping.source_mapping import mapping_of

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
    reading = Reading(pipeline.root, pipeline.settings.archive_dir, AuditMapping())
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
