"""A file is read by the mapping that it was registered with, by the stream and by the audit, whatever it is by now."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from stream_pipeline import Pipeline

from clickstream_assets.database import connect
from clickstream_assets.rejects.reads import RejectFilter
from clickstream_assets.rejects.replay import Replay, replay_as_they_are, replay_repaired
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.values_audit.audit import audit_values
from clickstream_assets.values_audit.findings import ValuesAudit
from clickstream_assets.values_audit.opening import FilesToRead
from spark.lease import Lease
from spark.mapping.mapping_file import mapping_of
from spark.mapping.source_mapping import SourceMapping

pytestmark = pytest.mark.spark

TABLES: dict[str, Any] = {
    "fields": {"session_id": False, "action_type": {"path": "kind"}, "event_time": {"path": "date"}},
    "time": {"time_of_day": "06:00"},
    "format": {"header": ["user", "item", "price"], "path": "{kind}-*"},
}
NAME = "date=2026-03-01/view-1.csv.gz"
ROWS = gzip.compress(b"u1,p1,1999\nu2,p2,dear\nu3,,5\n")


def mapped(**more: Any) -> SourceMapping:
    return mapping_of(TABLES | more, "mapping.toml")


def audit(pipeline: Pipeline) -> ValuesAudit:
    reading = FilesToRead(pipeline.root, pipeline.settings.archive_dir, AuditMapping())
    connection = connect(pipeline.database.reader_url, "tests", autocommit=True)
    try:
        return audit_values(connection, reading)
    finally:
        connection.close()


def replay(pipeline: Pipeline, repaired: bytes | None = None) -> Replay:
    connection = connect(pipeline.database.writer_url, "tests", autocommit=True)
    try:
        if repaired is not None:
            return replay_repaired(connection, pipeline.root, repaired, again=False)
        return replay_as_they_are(connection, pipeline.root, RejectFilter(), again=False)
    finally:
        connection.close()


def test_what_was_registered_is_read_as_it_was_meant_then(pipeline: Pipeline) -> None:
    pipeline.write(NAME, ROWS, header="")
    lease = Lease(pipeline.database.writer_url, "catch-up", None, pipeline.failures.append)
    connection = connect(pipeline.database.writer_url, "tests-intake")
    pipeline.intake(lease, connection, mapped(price={"scale": 0.01})).register_present_files()
    connection.close()
    lease.release("test")
    pipeline.load(register=False, mapping=mapped())
    assert pipeline.rows("SELECT user_id, action_type, price::text FROM events") == [("u1", "view", "19.99")]
    assert pipeline.reasons() == {"invalid_price": 1, "missing_product_id": 1}
    assert audit(pipeline).offences == []
    assert audit(pipeline).rows == 3


def test_rows_without_a_header_go_back_with_one_and_keep_what_their_path_says(pipeline: Pipeline) -> None:
    pipeline.write(NAME, ROWS, header="")
    pipeline.load(mapping=mapped())
    sent = replay(pipeline)
    (path,) = sent.files
    assert path.relative_to(pipeline.root).parts[1:] == ("date=2026-03-01", "view-1.csv.gz")
    assert gzip.decompress(path.read_bytes()).splitlines()[0] == b"replay_of,user,item,price"
    later = mapped(events={"optional": ["product_id"]}, values={"also_nothing": ["dear"]})
    pipeline.load(mapping=later)
    assert pipeline.rows(
        "SELECT user_id, product_id, (event_time AT TIME ZONE 'UTC')::text, extra->>'replay_of' FROM events ORDER BY id"
    ) == [
        ("u1", "p1", "2026-03-01 06:00:00", None),
        ("u2", "p2", "2026-03-01 06:00:00", "1:2"),
        ("u3", None, "2026-03-01 06:00:00", "1:3"),
    ]
    assert audit(pipeline).offences == []
    pipeline.assert_conserved()


def test_repaired_rows_and_rows_that_are_replayed_again_keep_the_first_path(pipeline: Pipeline) -> None:
    pipeline.write(NAME, ROWS, header="")
    pipeline.load(mapping=mapped())
    replay(pipeline, b"replay_of,user,item,price\n1:2,u2,p2,cheap\n1:3,u3,p3,5\n")
    pipeline.load(mapping=mapped())
    assert pipeline.rows("SELECT user_id, product_id FROM events ORDER BY id") == [("u1", "p1"), ("u3", "p3")]
    (path,) = replay(pipeline, b"replay_of,user,item,price\n2:2,u2,p2,4\n").files
    assert path.relative_to(pipeline.root).parts[1:] == ("date=2026-03-01", "view-1.csv.gz")
    pipeline.load(mapping=mapped())
    assert pipeline.rows("SELECT user_id, price::text FROM events ORDER BY id DESC LIMIT 1") == [("u2", "4")]
    assert audit(pipeline).offences == []
    pipeline.assert_conserved()
