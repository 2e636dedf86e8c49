"""The real stream in this process: real files, real Spark, real PostgreSQL, one session for all tests.

`Pipeline.load` is what `stream --available-now` does, without starting a JVM each time.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from databases import Database, run_sql
from pyspark.sql import SparkSession

from clickstream_assets.conservation.audit import verify
from clickstream_assets.contract import IdenticalRows, Sink
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.settings import Settings
from spark.discovery.place import EventsPlace
from spark.inspection.inspecting import CHUNK_BYTES
from spark.intake.intake import Intake
from spark.intake.making import IntakeMaker
from spark.intake.manifest import Manifest
from spark.intake.source_intakes import SourceIntakes
from spark.intake.workplace import IntakeRules
from spark.lease import Lease
from spark.mapping.source_mapping import UNMAPPED, SourceMapping
from spark.stream.query import start_query
from spark.stream.settings import ChangedSources, StreamSettings, stream_sources

needs_jdbc = pytest.mark.skipif(
    not Settings.from_env().jdbc_jar.is_file(),
    reason="needs the JDBC driver: install libpostgresql-jdbc-java",
)
BOTH_SINKS = ["copy", pytest.param("jdbc", marks=[pytest.mark.jdbc, needs_jdbc])]

HEADER = "event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent\n"


@dataclass
class Pipeline:
    """One events directory and one database."""

    spark: SparkSession
    database: Database
    settings: Settings
    failures: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.settings.events_dir

    def write(self, name: str | bytes, data: str | bytes, header: str | bytes = HEADER) -> Path:
        """Land a file: `header` and then `data`."""
        path = Path(os.fsdecode(os.path.join(os.fsencode(self.root), os.fsencode(name))))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_bytes(header) + _bytes(data))
        return path

    def load(
        self,
        *,
        sink: Sink = "copy",
        identical_rows: IdenticalRows = "merge",
        register: bool = True,
        mapping: SourceMapping = UNMAPPED,
        spool: bool = True,
        in_tasks: bool = False,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        """Take every present file and commit all that waits.

        Args:
            spool: without it rows are uploaded.
            in_tasks: Spark's tasks read all micro-batches, the driver not even small ones.
        """
        settings = self.settings.changed(sink=sink, identical_rows=identical_rows)
        url = self.database.writer_url
        lease = Lease(url, "catch-up", None, self.failures.append)
        connection = connect(url, "tests-intake")
        try:
            if register:
                self.intake(lease, connection, mapping, chunk_bytes).register_present_files()
            query = start_query(
                self.spark,
                StreamSettings(
                    settings,
                    url,
                    True,
                    mapping,
                    settings.home / "spool" if spool else None,
                    driver_reads=not in_tasks,
                ),
                lease,
                threading.Lock(),
            )
            try:
                assert query.wait(120), "the query did not end within 120 s"
            finally:
                query.stop()
        finally:
            connection.close()
            lease.release("test")

    def load_sources(self, text: str) -> None:
        """The same by a sources.toml of this `text`, which lies beside the home."""
        file = self.settings.home.parent / "sources.toml"
        file.write_text(text)
        settings = self.settings.changed(sources=file)
        stream = StreamSettings(
            settings, self.database.writer_url, available_now=True, spool=settings.home / "spool"
        )
        lease = Lease(stream.url, "catch-up", None, self.failures.append)
        intakes = SourceIntakes(
            stream_sources(settings, UNMAPPED),
            IntakeMaker(
                Manifest(lambda: connect(stream.url, "tests-intake"), lease.epoch),
                lambda error: self.failures.append(str(error)),
                lambda _: lambda _: None,
            ),
            ChangedSources(settings),
        )
        registered = settings.home / "registered"
        intakes.start_with_present_files(registered)
        try:
            query = start_query(self.spark, stream, lease, threading.Lock(), registered=registered)
            try:
                assert query.wait(120), "the query did not end within 120 s"
            finally:
                query.stop()
        finally:
            intakes.stop()
            lease.release("test")
        assert not self.failures

    def intake(
        self,
        lease: Lease,
        connection: object,
        mapping: SourceMapping = UNMAPPED,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> Intake:
        manifest = Manifest(lambda: connection, lease.epoch)  # type: ignore[arg-type, return-value]
        return Intake(
            EventsPlace(os.fsencode(self.root)),
            manifest,
            lambda error: self.failures.append(str(error)),
            IntakeRules(mapping=mapping, chunk_bytes=chunk_bytes),
        )

    def rows(self, statement: str, **parameters: object) -> list[tuple[object, ...]]:
        return run_sql(self.database.owner_url, statement, parameters or None)

    def counts(self) -> tuple[object, ...]:
        """Rows read, inserted, duplicate, rejected over all files."""
        return self.rows(
            "SELECT coalesce(sum(rows_read), 0)::int, coalesce(sum(rows_inserted), 0)::int,"
            " coalesce(sum(rows_duplicate), 0)::int, coalesce(sum(rows_rejected), 0)::int FROM ingest_files"
        )[0]

    def reasons(self) -> dict[object, object]:
        """Rejects by reason."""
        return dict(self.rows("SELECT reason, count(*)::int FROM rejected_events GROUP BY reason"))  # type: ignore[arg-type]

    def files(self) -> list[tuple[object, ...]]:
        """Status and reason of each file, in the order they were registered."""
        return self.rows("SELECT status, reason FROM ingest_files ORDER BY file_id")

    def assert_conserved(self) -> None:
        """The whole audit, as `clickstream verify` runs it."""
        connection = connect(self.database.reader_url, "tests-verify")
        try:
            result = verify(connection, EventsDirectory(self.root))
        finally:
            connection.close()
        assert result.ok, result


def event(number: int, **changes: str) -> str:
    """One good line; `changes` replaces fields by name."""
    fields = {
        "event_id": f"00000000-0000-4000-8000-{number:012d}",
        "user_id": f"u{number}",
        "session_id": f"s{number}",
        "action_type": "view",
        "product_id": f"p{number}",
        "event_time": f"2026-01-01T00:{number // 60 % 60:02d}:{number % 60:02d}Z",
        "price": "9.99",
        "user_agent": "Mozilla/5.0",
    } | changes
    return ",".join(fields.values()) + "\n"


def _bytes(data: str | bytes) -> bytes:
    return data.encode() if isinstance(data, str) else data
