"""The filter of known keys between two streams: what it knows, what it does not, and that it is another database's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from databases import Database, run_sql
from psycopg2.extensions import connection as Connection
from sink_runs import SinkRuns
from stream_pipeline import event

from spark.sink.books import microseconds
from spark.sink.known_keys import EVER_SINCE, KnownKeys
from spark.sink.known_keys_file import KnownKeysFile


@pytest.fixture
def sink(database: Database, tmp_path: Path) -> SinkRuns:
    (tmp_path / "events").mkdir()
    return SinkRuns(database, tmp_path / "events", tmp_path / "spool")


def load(sink: SinkRuns, name: str, rows: str) -> None:
    sink.register(sink.write(name, rows))
    sink.load()


def kept(sink: SinkRuns, connection: Connection) -> KnownKeys:
    return KnownKeysFile(sink.spool.parent / "known_keys.npz").load(connection)


def test_a_stream_that_starts_again_knows_what_was_stored(sink: SinkRuns, writer: Connection) -> None:
    assert (kept(sink, writer).unknown, len(kept(sink, writer))) == ([], 0)
    load(sink, "1.csv", event(1) + event(2) + event(1))
    known = kept(sink, writer)
    assert known.unknown == []
    assert len(known) > 0
    load(sink, "2.csv", event(2) + event(3))
    assert len(kept(sink, writer)) > len(known)
    assert sink.outcomes[-1].rows_duplicate == 1
    sink.assert_conserved()


def test_what_was_stored_without_it_is_unknown_by_its_times(sink: SinkRuns, writer: Connection) -> None:
    load(sink, "1.csv", event(1))
    path = sink.spool.parent / "known_keys.npz"
    before = path.read_bytes()
    load(sink, "2.csv", event(5) + event(9))
    path.write_bytes(before)
    start = microseconds(datetime(2026, 1, 1, tzinfo=UTC))
    assert kept(sink, writer).unknown == [(start + 5_000_000, start + 9_000_000)]
    load(sink, "3.csv", event(5) + event(6) + event(20))
    assert (sink.outcomes[-1].rows_inserted, sink.outcomes[-1].rows_duplicate) == (2, 1)
    sink.assert_conserved()


@pytest.mark.parametrize("damage", ["gone", "cut", "empty", "of another database"])
def test_without_a_file_of_this_database_all_times_up_to_the_newest_are_unknown(
    sink: SinkRuns, writer: Connection, damage: str
) -> None:
    load(sink, "1.csv", event(1) + event(30))
    path = sink.spool.parent / "known_keys.npz"
    if damage == "gone":
        path.unlink()
    elif damage == "of another database":
        run_sql(
            sink.database.owner_url,
            "UPDATE ingest_batches SET committed_at = committed_at - interval '1 second'",
        )
    else:
        path.write_bytes(path.read_bytes()[:1_000] if damage == "cut" else b"")
    newest = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=30)
    assert kept(sink, writer).unknown == [(EVER_SINCE, microseconds(newest))]
    load(sink, "2.csv", event(1) + event(2) + event(40))
    assert (sink.outcomes[-1].rows_inserted, sink.outcomes[-1].rows_duplicate) == (2, 1)
    sink.assert_conserved()


def test_it_is_written_once_in_some_million_keys_and_at_the_end(
    sink: SinkRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark.sink.known_keys_file.SAVED_EVERY", 10)
    file = KnownKeysFile(sink.spool.parent / "kept.npz")
    known = KnownKeys()
    times = np.zeros(9, np.int64)
    known.seen_before(np.arange(1, 10).astype(np.uint64) << np.uint64(40), times)
    file.save(known, 1, datetime(2026, 1, 1, tzinfo=UTC), only_if_many=True)
    assert not (sink.spool.parent / "kept.npz").exists()
    file.save(known, 1, datetime(2026, 1, 1, tzinfo=UTC), only_if_many=False)
    assert (sink.spool.parent / "kept.npz").exists()
