"""Sources of a sources.toml without Spark: the intakes run, and a stand-in stores what they register."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from databases import Database, run_sql
from object_server import ObjectServer

from clickstream_assets.database import connect
from clickstream_assets.settings import Settings
from spark.intake.making import IntakeMaker
from spark.intake.manifest import Manifest
from spark.intake.source_intakes import SourceIntakes
from spark.lease import Lease
from spark.mapping.source_mapping import UNMAPPED
from spark.stream.settings import ChangedSources, stream_sources

HEADER = "user_id,session_id,action_type,product_id,event_time,price\n"
ROW = "u,s,view,p,2026-01-01T00:00:00Z,19.99\n"
LIMIT = 30.0  # seconds


class CloudSources:
    """The intakes of one stream after the other, over one database and one home."""

    def __init__(self, database: Database, place: Path, server: ObjectServer) -> None:
        self.database = database
        self.place = place
        self.server = server
        self.file = place / "sources.toml"
        self.home = place / "home"
        for name in ("home", "home/events", "web"):
            (place / name).mkdir()
        self.settings = Settings.from_env(
            {
                "CLICKSTREAM_HOME": str(self.home),
                "CLICKSTREAM_SETTLE_SECONDS": "0",
                "CLICKSTREAM_SOURCES": str(self.file),
            }
        )
        self.failures: list[object] = []
        self._lease: Lease | None = None
        self._running: SourceIntakes | None = None
        self._before: set[threading.Thread] = set()

    @property
    def landing(self) -> Path:
        return self.home / "objects" / "cloud"

    def section(self, bucket: str, more: str = "") -> str:
        return (
            f'[cloud]\ndirectory = "s3://{bucket}/in"\nendpoint = "{self.server.endpoint}"\n'
            f"look_seconds = 0.1\n{more}\n"
        )

    def start(self, text: str, registered: Path | None = None) -> None:
        self.file.write_text(text)
        self._before = set(threading.enumerate())
        self._lease = lease = Lease(self.database.writer_url, "continuous", None, self.failures.append)
        self._running = SourceIntakes(
            stream_sources(self.settings, UNMAPPED),
            IntakeMaker(
                Manifest(lambda: connect(self.database.writer_url, "tests-intake"), lease.epoch),
                self.failures.append,
                lambda _: lambda _: None,
            ),
            ChangedSources(self.settings),
        )
        if registered is None:
            self._running.start()
        else:
            self._running.start_with_present_files(registered)

    def stop(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None
            # On a busy machine one may be left behind, which a stream's process would end with it.
            for thread in set(threading.enumerate()) - self._before:
                if thread.name.startswith(("intake-", "objects-")):
                    thread.join(LIMIT)
        if self._lease is not None:
            self._lease.release("test")
            self._lease = None

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        return run_sql(self.database.owner_url, statement)

    def files(self) -> list[tuple[object, ...]]:
        return self.rows("SELECT source, path, status FROM ingest_files ORDER BY source, path, file_id")

    def objects(self) -> list[tuple[object, ...]]:
        return self.rows("SELECT path, status, outcome FROM ingest_objects ORDER BY path, object_id")

    def problem(self) -> str | None:
        found = self.rows("SELECT problem FROM ingest_sources WHERE source = 'cloud'")
        return None if not found else found[0][0]  # type: ignore[return-value]

    def store(self) -> None:
        """What the sink does with all that is registered."""
        self.rows("DELETE FROM ingest_chunks RETURNING seq")
        self.rows(
            "UPDATE ingest_files SET status = 'committed', committed_at = now() WHERE status = 'registered'"
            " RETURNING file_id"
        )

    def landed(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.landing))
            for path in self.landing.rglob("*")
            if path.is_file() and ".fetching" not in path.parts
        )

    def wait_for(self, condition: Callable[[], bool], *, storing: bool = False) -> None:
        limit = time.monotonic() + LIMIT
        while not condition():
            if storing:
                self.store()
            assert time.monotonic() < limit, (self.files(), self.objects(), self.problem())
            assert not self.failures
            time.sleep(0.02)
