"""Fixtures of the integration tests: Dagster over the test's database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from control_plane import ControlPlane
from databases import Database

from clickstream_assets.settings import Settings


@pytest.fixture
def control(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ControlPlane]:
    """Dagster, the test's database, and an empty events directory."""
    settings = Settings.from_env(
        {"CLICKSTREAM_HOME": str(tmp_path / "home"), "CLICKSTREAM_DATABASE_URL": database.owner_url}
    )
    settings.events_dir.mkdir(parents=True)
    monkeypatch.setenv("STAND_IN_OWNER_URL", database.owner_url)
    with dg.instance_for_test() as instance:
        yield ControlPlane(instance, database, settings)
