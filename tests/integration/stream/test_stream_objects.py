"""A source in an object store, with real Spark, beside others: every object once, and what becomes of it afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from object_server import ENVIRONMENT, ObjectServer, object_server
from stream_pipeline import HEADER, Pipeline, event

from clickstream_assets.database import connect
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.sources.sources_file import read_sources
from clickstream_assets.values_audit.audit import audit_values
from clickstream_assets.values_audit.fetched_again import fetched_again
from clickstream_assets.values_audit.findings import ValuesAudit
from clickstream_assets.values_audit.opening import FilesToRead

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def server() -> Iterator[ObjectServer]:
    with object_server() as server:
        yield server


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, server: ObjectServer) -> None:
    server.reset()
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def section(server: ObjectServer, bucket: str, more: str = "") -> str:
    return f'[cloud]\ndirectory = "s3://{bucket}/in/"\nendpoint = "{server.endpoint}"\n{more}\n'


def test_objects_are_loaded_beside_files_and_their_addresses_are_in_the_ledger(
    pipeline: Pipeline, server: ObjectServer
) -> None:
    bucket = server.bucket()
    place = pipeline.settings.home.parent
    (place / "web").mkdir()
    pipeline.write("a.csv", event(1))
    (place / "web" / "a.csv").write_text(HEADER + event(2))
    server.put(bucket, "in/2026/a.csv", HEADER + event(3) + event(4, action_type="dance"))
    server.put(bucket, "elsewhere/b.csv", HEADER + event(5))
    pipeline.load_sources('[web]\ndirectory = "web"\n' + section(server, bucket))
    assert pipeline.rows("SELECT source, path, status, rows_read::int FROM ingest_files ORDER BY source") == [
        ("cloud", "2026/a.csv", "committed", 2),
        ("default", "a.csv", "committed", 1),
        ("web", "a.csv", "committed", 1),
    ]
    assert pipeline.rows(
        "SELECT o.bucket, o.object_key, o.status, o.outcome, f.path FROM ingest_objects AS o JOIN ingest_files AS f"
        " USING (file_id)"
    ) == [(f"s3://{bucket}", "in/2026/a.csv", "done", "committed", "2026/a.csv")]
    assert pipeline.counts() == (4, 3, 0, 1)
    assert [str(path) for path in (pipeline.settings.home / "objects" / "cloud").rglob("*.csv")] == []
    pipeline.assert_conserved()


def audited(pipeline: Pipeline) -> ValuesAudit:
    """The values of all files that are there, or in the bucket."""
    settings = pipeline.settings.changed(sources=pipeline.settings.home.parent / "sources.toml")
    default, *others = read_sources(settings)
    places = {source.name: (source.directory, source.archive_dir) for source in others}
    connection = connect(pipeline.database.reader_url, "tests-values")
    try:
        with fetched_again(others, settings.home) as fetched:
            reading = FilesToRead(
                default.directory, default.archive_dir, AuditMapping(), others=places, fetched=fetched
            )
            return audit_values(connection, reading)
    finally:
        connection.close()


@pytest.mark.parametrize("more", ["", 'after_commit = "move"\nmove_to = "loaded/"'], ids=["left", "moved"])
def test_the_values_of_objects_are_compared_with_the_objects_fetched_again(
    pipeline: Pipeline, server: ObjectServer, more: str
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + event(1) + event(2))
    server.put(bucket, "in/b.csv", HEADER + event(3))
    pipeline.load_sources(section(server, bucket, more))
    audit = audited(pipeline)
    assert audit.ok
    assert (audit.files, audit.rows) == (2, 3)
    pipeline.rows("UPDATE events SET price = 1 WHERE user_id = 'u3' RETURNING 1")
    assert not audited(pipeline).ok


def test_objects_that_were_replaced_or_cannot_be_fetched_are_named_as_not_compared(
    pipeline: Pipeline, server: ObjectServer
) -> None:
    bucket = server.bucket()
    for name in ("a", "b", "c"):
        server.put(bucket, f"in/{name}.csv", HEADER + event(ord(name)))
    pipeline.load_sources(section(server, bucket))
    server.put(bucket, "in/a.csv", HEADER + event(1))
    server.client.delete_object(Bucket=bucket, Key="in/b.csv")
    audit = audited(pipeline)
    assert audit.missing_paths == [("changed", "a.csv")]
    assert (audit.missing["gone"], audit.files) == (1, 1)
    server.faults.refuse = lambda method, path: (403, "InvalidAccessKeyId")
    assert {finding for finding, _ in audited(pipeline).missing_paths} == {"unreadable"}
