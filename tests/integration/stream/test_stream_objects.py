"""A source in an object store, with real Spark, beside others: every object once, and what becomes of it afterwards."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from object_server import ENVIRONMENT, ObjectServer, object_server
from stream_pipeline import HEADER, Pipeline, event

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
