"""Three sources, one of them in an object store that fails now and then, and a stream that is killed at random."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from databases import Database, run_sql
from object_server import ENVIRONMENT, object_server
from stream_program import START_LIMIT, Stream, wait_for_no_stream

from clickstream_assets.conservation.audit import verify
from clickstream_assets.data_generator import GenerationSpec, generate_files
from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.paths import STREAM_PROGRAM

pytestmark = pytest.mark.spark
GARBAGE = (
    "event_id,user_id,session_id,action_type,product_id,event_time,price\n" + "x,u,s,dance,p,never,a\n" * 500
)


def start(database: Database, place: Path, number: int) -> Stream:
    log = place / f"stream-{number}.log"
    environment = {
        **os.environ,
        **ENVIRONMENT,
        "CLICKSTREAM_STREAM_DATABASE_URL": database.writer_url,
        "CLICKSTREAM_HOME": str(place / "home"),
        "CLICKSTREAM_EVENTS_DIR": str(place / "events"),
        "CLICKSTREAM_SOURCES": str(place / "sources.toml"),
        "CLICKSTREAM_SPARK_MASTER": "local[2]",
        "CLICKSTREAM_SETTLE_SECONDS": "0",
    }
    with log.open("w") as output:
        command = [sys.executable, str(STREAM_PROGRAM), "--available-now"]
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
        )
    return Stream(process, log)


@pytest.mark.parametrize(
    "kills", [2, pytest.param(12, marks=[pytest.mark.faults, pytest.mark.timeout(1800)])]
)
def test_every_source_is_conserved_however_the_stream_and_the_bucket_end(
    database: Database, tmp_path: Path, kills: int
) -> None:
    chance = random.Random(11)
    for name in ("home", "events", "web"):
        (tmp_path / name).mkdir()
    spec = GenerationSpec(events=20_000, files=20, duplicates=0.05, malformed=0.02, late=0.01, seed=5)
    cloud = generate_files(spec, tmp_path / "made")
    files = generate_files(
        GenerationSpec(events=5_000, files=5, duplicates=0.0, malformed=0.0, late=0.0, seed=6),
        tmp_path / "events",
    )
    for number in range(5):
        (tmp_path / "web" / f"{number}.csv").write_text(GARBAGE.replace("u,", f"u{number},"))
    with object_server() as server:
        bucket = server.bucket()
        for made in sorted((tmp_path / "made").rglob("*.csv")):
            server.put(bucket, f"in/{made.relative_to(tmp_path / 'made')}", made.read_bytes())
        server.faults.refuse = lambda method, path: (503, "SlowDown") if chance.random() < 0.1 else None
        server.faults.cut_after = lambda method, path: (
            chance.randrange(60_000) if chance.random() < 0.1 else None
        )
        (tmp_path / "sources.toml").write_text(
            '[web]\ndirectory = "web"\n'
            f'[cloud]\ndirectory = "s3://{bucket}/in/"\nendpoint = "{server.endpoint}"\nafter_commit = "tag"\n'
            "fetch_ahead_mb = 0.5\n"
        )
        for number in range(kills):
            stream = start(database, tmp_path, number)
            seen = time.monotonic() + START_LIMIT
            begun = chance.randrange(1, 15)
            while stream.process.poll() is None and time.monotonic() < seen:
                count = run_sql(
                    database.owner_url, "SELECT count(*)::int FROM ingest_files WHERE source = 'cloud'"
                )
                if count[0][0] >= begun:  # type: ignore[operator]
                    break
                time.sleep(0.02)
            time.sleep(chance.random())  # anywhere in what it does then
            jvm = _children(stream)
            stream.process.send_signal(signal.SIGKILL)
            for child in jvm:
                child.kill()
            stream.process.wait(30)
            wait_for_no_stream(database.owner_url)
            if number % 2:
                shutil.rmtree(tmp_path / "home" / "objects", ignore_errors=True)
        for number in range(kills, kills + 3):
            last = start(database, tmp_path, number)
            assert last.process.wait(START_LIMIT) == 0, last.log.read_text()[-3000:]
            wait_for_no_stream(database.owner_url)
            if run_sql(
                database.owner_url, "SELECT count(*)::int FROM ingest_objects WHERE status <> 'done'"
            ) == [(0,)]:
                break
        counts = run_sql(
            database.owner_url,
            "SELECT source, sum(rows_read)::int, sum(rows_inserted)::int, sum(rows_duplicate)::int,"
            " sum(rows_rejected)::int FROM ingest_files WHERE status = 'committed' GROUP BY source ORDER BY source",
        )
        assert counts == [
            ("cloud", cloud.rows, cloud.unique_events, cloud.duplicates, cloud.malformed),
            ("default", files.rows, files.unique_events, 0, 0),
            ("web", 2_500, 0, 0, 2_500),
        ]
        assert run_sql(
            database.owner_url, "SELECT status, outcome, count(*)::int FROM ingest_objects GROUP BY 1, 2"
        ) == [("done", "committed", 20)]
        assert {server.tags(bucket, key)["clickstream"] for key in server.keys(bucket)} == {"committed"}
    assert not list((tmp_path / "home" / "objects" / "cloud").rglob("*.csv"))
    connection = connect(database.owner_url, "tests-verify")
    try:
        audit = verify(connection, EventsDirectory(tmp_path / "events"))
    finally:
        connection.close()
    assert audit.ok, audit.offences
    logs = "".join(log.read_text() for log in tmp_path.glob("stream-*.log"))
    assert ENVIRONMENT["AWS_SECRET_ACCESS_KEY"] not in logs


def _children(stream: Stream) -> list[psutil.Process]:
    try:
        return [stream.jvm()]
    except StopIteration:
        return []
