"""An S3 server for all of these tests, and sources over a fresh database for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cloud_sources import CloudSources
from databases import Database
from object_server import ENVIRONMENT, ObjectServer, object_server


@pytest.fixture(scope="package")
def object_store() -> Iterator[ObjectServer]:
    with object_server() as server:
        yield server


@pytest.fixture
def server(object_store: ObjectServer) -> ObjectServer:
    object_store.reset()
    return object_store


@pytest.fixture
def cloud(
    database: Database, tmp_path: Path, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudSources]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("spark.intake.source_intakes.TICK_SECONDS", 0.05)
    monkeypatch.setattr("spark.objects.object_intake.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("clickstream_assets.outages.errors.FIRST_PAUSE", 0.05)
    monkeypatch.setattr("clickstream_assets.outages.errors.LONGEST_PAUSE", 0.2)
    sources = CloudSources(database, tmp_path, server)
    yield sources
    sources.stop()
    assert not sources.failures
