"""The sink without Spark: real files, the real intake, tasks run one by one in this process, the real commit.

What a test does between two tasks, or before them, happens at exactly that point.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Literal
from unittest.mock import patch

import pyarrow as pa
from databases import Database, run_sql
from stream_pipeline import HEADER

from clickstream_assets.conservation.audit import verify
from clickstream_assets.contract import STREAM_URL_VARIABLE, IdenticalRows
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory, FileState
from clickstream_assets.sql_files import statement
from spark.cleaning.time_bounds import TimeBounds
from spark.discovery.candidate import Candidate
from spark.inspection.inspecting import inspect_file
from spark.intake.manifest import Manifest
from spark.lease import Lease
from spark.mapping.source_mapping import SourceMapping
from spark.sink.books import Outcome
from spark.sink.evidence import Evidence
from spark.sink.handovers import Handover, SpoolHandover, UploadHandover
from spark.sink.jdbc import JdbcHandover
from spark.sink.known_keys_file import KnownKeysFile
from spark.sink.micro_batch import MicroBatchWriter
from spark.source.chunks import TaskRead, registered_chunks
from spark.source.options import SourceOptions
from spark.source.task import read_task

Between = Callable[[int], None]  # what happens before the task with that number


@dataclass
class SinkRuns:
    """One events directory and one database; each `load` is a stream of its own."""

    database: Database
    root: Path
    spool: Path
    identical_rows: IdenticalRows = "merge"
    mapping: SourceMapping = field(default_factory=SourceMapping)
    handover: Literal["spool", "upload", "blocks"] = "spool"
    attempts: int = 1  # of each task, all of which Spark believes in; for blocks alone
    outcomes: list[Outcome] = field(default_factory=list)
    writer: MicroBatchWriter | None = None  # of the last load

    def write(self, name: str, rows: str | bytes, header: str = HEADER) -> Path:
        path = self.root / name
        path.write_bytes(header.encode() + (rows.encode() if isinstance(rows, str) else rows))
        return path

    def register(self, path: Path, chunk_bytes: int = 1 << 24) -> None:
        """Put a file into the manifest, in chunks of about `chunk_bytes`."""
        lease = self._lease()
        connection = connect(self.database.writer_url, "tests-intake")
        try:
            inspection = inspect_file(os.fsencode(path), self.mapping, chunk_bytes, name=path.name)
            candidate = Candidate(os.fsencode(path.name), FileState.of(path.stat()))
            Manifest(lambda: connection, lease.epoch).register([(candidate, inspection)], self.mapping)
        finally:
            connection.close()
            lease.release("test")

    def chunks(self) -> int:
        ((waiting,),) = run_sql(self.database.owner_url, "SELECT count(*)::int FROM ingest_chunks")
        assert isinstance(waiting, int)
        return waiting

    def load(self, *batches: int, before: Between = lambda _: None) -> None:
        """Commit all chunks that wait, in micro-batches of so many chunks (default: one with all), a chunk per task."""
        lease = self._lease()
        try:
            ranges = self._ranges(batches or (self.chunks(),))
            self.writer = writer = MicroBatchWriter(
                self.database.writer_url,
                lease.epoch,
                "copy",
                self._handover(),
                Evidence(os.fsencode(self.root)),
                lambda number: ranges[number],
                self.outcomes.append,
                KnownKeysFile(self.spool.parent / "known_keys.npz"),
            )
            with (
                patch.dict(os.environ, {STREAM_URL_VARIABLE: self.database.writer_url}),
                patch("spark.sink.jdbc._write", self._write_as_jdbc),
            ):
                for number, (after, upto) in enumerate(ranges):
                    writer.write(self._rows(lease.epoch, after, upto, before), number)  # type: ignore[arg-type]
                writer.close()
        finally:
            lease.release("test")

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        return run_sql(self.database.owner_url, statement)

    def assert_conserved(self) -> None:
        connection = connect(self.database.reader_url, "tests-verify")
        try:
            result = verify(connection, EventsDirectory(self.root))
        finally:
            connection.close()
        assert result.ok, result

    def _handover(self) -> Handover:
        if self.handover == "upload":
            return UploadHandover(self.database.writer_url)
        if self.handover == "blocks":
            return JdbcHandover(self.database.writer_url)
        return SpoolHandover(self.spool)

    def _lease(self) -> Lease:
        return Lease(self.database.writer_url, "catch-up", None, lambda reason: None)

    def _ranges(self, batches: Sequence[int]) -> list[tuple[int, int]]:
        found = run_sql(self.database.owner_url, "SELECT seq FROM ingest_chunks ORDER BY seq")
        seqs = [int(str(seq)) for (seq,) in found]
        ranges, start = [], 0
        for size in batches:
            ranges.append((seqs[start] - 1, seqs[start + size - 1]))
            start += size
        return ranges

    def _write_as_jdbc(self, rows: SimpleNamespace, url: str, table: str) -> None:
        """What Spark's JDBC writer does: values go to the table's columns as texts."""
        connection = connect(url, "tests-jdbc")
        with connection, connection.cursor() as cursor:
            for batch in itertools.chain.from_iterable(rows.batches() for _ in range(self.attempts)):
                for row in batch.to_pylist():
                    places = ", ".join(["%s"] * len(row))
                    cursor.execute(f"INSERT INTO {table} VALUES ({places})", list(row.values()))
        connection.close()

    def _rows(self, epoch: int, after: int, upto: int, before: Between) -> object:
        """What `foreachBatch` gets of Spark: a frame whose rows describe the parts."""

        def batches() -> Iterator[pa.RecordBatch]:
            options = SourceOptions(
                os.fsencode(self.root),
                self.mapping.to_json(),
                self.handover,
                self.identical_rows,
                epoch,
                self.spool if self.handover == "spool" else None,
            )
            connection = connect(self.database.writer_url, "tests-source", autocommit=True)
            try:
                with connection.cursor() as cursor:
                    cursor.execute(statement("chunks.to_read"), {"after": after, "upto": upto})
                    chunks = registered_chunks(
                        cursor.fetchall(), self.mapping.to_json(), TimeBounds.at(datetime.now(UTC))
                    )
                    cursor.execute(statement("chunks.next_batch"), {"after": after})
                    ((_, batch_id),) = cursor.fetchall()
            finally:
                connection.close()
            for number, chunk in enumerate(chunks):
                before(number)
                yield from read_task(TaskRead(number, (chunk,), batch_id, after, upto), options)

        def collect() -> list[SimpleNamespace]:
            return [SimpleNamespace(part=text) for batch in batches() for text in batch["part"].to_pylist()]

        context = SimpleNamespace(getLocalProperty=lambda _: f"query-{epoch}")
        return SimpleNamespace(
            collect=collect, batches=batches, sparkSession=SimpleNamespace(sparkContext=context)
        )
