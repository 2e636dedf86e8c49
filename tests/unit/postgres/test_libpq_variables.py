"""Variables of libpq that are meant for somebody's own server keep nobody from the embedded one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings

MEANT_FOR_ANOTHER = {
    "PGSSLMODE": "verify-full",
    "PGSERVICE": "nosuch",
    "PGHOSTADDR": "192.0.2.1",
    "PGTARGETSESSIONATTRS": "standby",
    "PGCHANNELBINDING": "require",
    "PGOPTIONS": "-c default_transaction_read_only=on",
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "port").write_text("5432")
    for name, value in {**MEANT_FOR_ANOTHER, "PGAPPNAME": "mine"}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def settings(home: Path, **more: str) -> Settings:
    return Settings.from_env({"CLICKSTREAM_HOME": str(home), "CLICKSTREAM_WRITER_PASSWORD": "w", **more})


def test_who_asks_for_the_embedded_server_has_none_of_them(home: Path) -> None:
    Connections(settings(home)).url("writer")
    assert {name for name in os.environ if name.startswith("PG")} == {"PGAPPNAME"}


def test_a_server_of_ones_own_is_reached_as_they_say(home: Path) -> None:
    Connections(settings(home, CLICKSTREAM_DATABASE_URL="postgresql://boss@db/shop")).url("writer")
    assert MEANT_FOR_ANOTHER.items() <= os.environ.items()
