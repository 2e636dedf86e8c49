"""The queue of chunks in PostgreSQL, as Spark's source reads it: sources take turns, and nothing is passed over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import Database, run_sql

from clickstream_assets.contract import STREAM_URL_VARIABLE
from spark.lease import Lease
from spark.mapping.source_mapping import UNMAPPED
from spark.source.data_source import ChunkPartition, ChunkStreamReader
from spark.source.micro_batches import BATCH_ROWS
from spark.source.options import SourceOptions
from spark.source.turns import SHARED


class Queue:
    """Registered files of one chunk each, and a reader of them."""

    def __init__(self, database: Database) -> None:
        self.url = database.owner_url
        self.lease = Lease(database.writer_url, "continuous", None, lambda _: None)
        self.reader = self.read_anew()
        run_sql(
            self.url,
            "INSERT INTO ingest_layouts (columns, delimiter) VALUES ('{a}', ',') RETURNING layout_id",
        )
        for source in ("default", "shop", "web"):
            run_sql(
                self.url,
                "INSERT INTO ingest_sources (source, directory, settings)"
                f" VALUES ('{source}', '/nowhere/{source}', '{{}}') RETURNING source",
            )

    def read_anew(self) -> ChunkStreamReader:
        epoch = self.lease.epoch
        return ChunkStreamReader(
            SourceOptions(b"/nowhere", UNMAPPED.to_json(), "spool", "merge", epoch, Path("/"))
        )

    def register(self, source: str, files: int, records: int) -> None:
        run_sql(
            self.url,
            "WITH files AS (INSERT INTO ingest_files (path, size_bytes, status, landed_at, registered_at, source,"
            " layout_id, inode, modified_ns, changed_ns, header_bytes, chunks_open)"
            f" SELECT 'f' || n, 1, 'registered', now(), now(), '{source}', 1, 1, 1, 1, 0, 1"
            f" FROM generate_series(1, {files}) AS n RETURNING file_id)"
            " INSERT INTO ingest_chunks (file_id, source, byte_offset, byte_length, first_line, records, disk_bytes)"
            f" SELECT file_id, '{source}', 0, 1, 2, {records}, 1 FROM files ORDER BY file_id RETURNING seq",
        )

    def next(self, *, store: bool = True) -> dict[str, int]:
        """Chunks by source of the next micro-batch, which is then stored."""
        end = self.reader.latestOffset({"after": 0, "seq": 0}, None)  # type: ignore[arg-type]
        partitions = self.reader.partitions({}, end)
        seqs = [c.seq for part in partitions if isinstance(part, ChunkPartition) for c in part.task.chunks]
        after, upto = end["after"], end["seq"]
        where = f"seq > {after} AND seq <= {upto}"
        found = run_sql(self.url, f"SELECT source, seq FROM ingest_chunks WHERE {where}")
        assert sorted(seqs) == sorted(row[1] for row in found)  # type: ignore[type-var]
        if store:
            run_sql(self.url, f"DELETE FROM ingest_chunks WHERE {where} RETURNING seq")
        counts: dict[str, int] = {}
        for source, _ in found:
            counts[str(source)] = counts.get(str(source), 0) + 1
        return counts

    def left(self) -> int:
        return len(run_sql(self.url, "SELECT seq FROM ingest_chunks"))


@pytest.fixture
def queue(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    monkeypatch.setenv(STREAM_URL_VARIABLE, database.writer_url)
    queue = Queue(database)
    yield queue
    queue.lease.release("test")


SHARE = BATCH_ROWS // SHARED


def test_a_file_that_comes_behind_a_backlog_is_in_the_next_micro_batch(queue: Queue) -> None:
    queue.register("shop", 100, SHARE // 10)
    assert queue.next() == {"shop": 10}
    for _ in range(5):
        queue.register("web", 1, 10)
        found = queue.next()
        assert found.pop("web") == 1
        assert found["shop"] in (9, 10)
    queue.register("shop", 1, 1)
    while queue.left():
        assert queue.next()
    assert queue.next() == {}


def test_what_was_put_ahead_and_not_stored_comes_again_after_a_restart(queue: Queue) -> None:
    queue.register("shop", 30, SHARE // 10)
    queue.register("web", 2, 10)
    assert queue.next(store=False)["web"] == 2
    queue.reader = queue.read_anew()
    seen = {"shop": 0, "web": 0}
    while queue.left():
        for source, count in queue.next().items():
            seen[source] += count
    assert seen == {"shop": 30, "web": 2}


def test_a_stream_that_was_taken_over_moves_nothing(queue: Queue) -> None:
    queue.register("shop", 30, SHARE // 10)
    queue.register("web", 1, 10)
    before = run_sql(queue.url, "SELECT seq FROM ingest_chunks ORDER BY seq")
    run_sql(queue.url, "UPDATE stream_lease SET epoch = epoch + 1 RETURNING epoch")
    assert queue.next(store=False) == {}
    assert run_sql(queue.url, "SELECT seq FROM ingest_chunks ORDER BY seq") == before


def test_chunks_from_before_numbers_had_gaps_are_read_one_after_the_other(queue: Queue) -> None:
    run_sql(queue.url, "ALTER SEQUENCE ingest_chunks_seq INCREMENT BY 1")
    queue.register("shop", 30, SHARE // 10)
    queue.register("web", 1, 10)
    seen = {"shop": 0, "web": 0}
    while queue.left():
        for source, count in queue.next().items():
            seen[source] += count
    assert seen == {"shop": 30, "web": 1}
