"""What the control plane says of objects, from the ledger alone: it needs no credentials."""

from __future__ import annotations

import pytest
from cloud_sources import HEADER, ROW, CloudSources
from object_server import ENVIRONMENT, ObjectServer, without_query

from clickstream_assets.database import connect
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.ledger.waiting import WaitingFiles
from clickstream_assets.ledger.waiting_by_source import read_waiting_by_source


def waiting(cloud: CloudSources) -> WaitingFiles:
    connection = connect(cloud.database.reader_url, "tests", autocommit=True)
    try:
        sources = sources_in_force(connection, cloud.settings).sources
        found = read_waiting_by_source(connection, sources)["cloud"]
    finally:
        connection.close()
    assert found is not None
    return found


def test_objects_wait_from_when_they_are_seen_until_they_are_stored(
    cloud: CloudSources, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = server.bucket()
    for number in range(3):
        server.put(bucket, f"in/{number}.csv", HEADER + ROW.replace("u,", f"u{number},"))
    server.faults.refuse = lambda method, path: (
        (503, "SlowDown") if without_query(path).endswith(".csv") else None
    )
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: len(cloud.objects()) == 3)
    for name in ENVIRONMENT:
        monkeypatch.delenv(name)
    seen = waiting(cloud)
    assert (seen.files, seen.registered, seen.files_on_disk) == (3, 0, 0)
    assert seen.oldest_paths == ("0.csv", "1.csv", "2.csv")
    assert seen.oldest_age_seconds is not None
    server.reset()
    cloud.wait_for(lambda: waiting(cloud).registered == 3)
    cloud.store()
    cloud.wait_for(lambda: waiting(cloud).files == 0)


def test_what_the_stream_has_recorded_tells_a_bucket_from_a_directory(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    cloud.start(cloud.section(bucket, 'after_commit = "tag"'))
    cloud.wait_for(lambda: cloud.rows("SELECT 1 FROM ingest_sources WHERE source = 'cloud'") != [])
    cloud.file.write_text("no toml")
    connection = connect(cloud.database.reader_url, "tests", autocommit=True)
    in_force = sources_in_force(connection, cloud.settings)
    connection.close()
    source = next(source for source in in_force.sources if source.name == "cloud")
    assert source.location == f"s3://{bucket}/in/"
    assert source.store is not None
    assert source.store.after_commit == "tag"
