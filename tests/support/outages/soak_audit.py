"""The end of a soak: all files get in; then nothing may be lost or twice, values are right, and one stream did it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import closing, suppress

import psycopg2
from soak_place import SoakPlace
from soak_streams import Streams

from clickstream_assets.database import connect
from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.waiting_files import read_waiting_files

END_LIMIT = 300.0  # seconds after the last fault until all files are in


def settle(streams: Streams) -> None:
    """No more files come; all that are there get in, and the stream ends as asked."""
    deadline = time.monotonic() + END_LIMIT
    while (waiting := _waiting(streams.place)) != 0:
        streams.look()
        if time.monotonic() > deadline:
            streams.wrong.append(f"{waiting} files still wait after {END_LIMIT:.0f} s")
            return
        time.sleep(0.5)
    process = streams.newest.process
    process.send_signal(signal.SIGTERM)
    if (code := process.wait(120)) != 0:
        streams.wrong.append(f"the last stream ended with {code}: {streams.newest.last_line()}")


def audit(streams: Streams) -> None:
    """Say what was loaded, and note what is wrong."""
    place, wrong, say = streams.place, streams.wrong, streams.say
    command = [sys.executable, "-m", "clickstream_assets.cli", "verify", "--values"]
    done = subprocess.run(command, env=place.environment(), capture_output=True, text=True, check=False)
    say(done.stdout.strip())
    if done.returncode != 0:
        wrong.append(f"verify --values: {done.stdout[-2000:]}{done.stderr[-500:]}")
    for text, statement in {
        "events are stored twice": "SELECT count(*)::int FROM (SELECT 1 FROM events GROUP BY event_id, event_time"
        " HAVING count(*) > 1) AS t",
        "files are booked as unreadable": "SELECT count(*)::int FROM ingest_files WHERE status = 'rejected'",
        "micro-batches are of an epoch that no stream had": "SELECT count(*)::int FROM ingest_batches"
        " WHERE epoch > (SELECT epoch FROM stream_lease)",
    }.items():
        if found := _number(place, statement):
            wrong.append(f"{found} {text}")
    epoch = _number(place, "SELECT epoch::int FROM stream_lease")
    if epoch > len(streams.all):
        wrong.append(f"{epoch} streams had the lease, and {len(streams.all)} were started")
    rows = _number(place, "SELECT sum(rows_read)::int FROM ingest_files")
    say(f"{rows} rows read; {len(streams.all)} starts, {epoch} of them had the lease")
    waits = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in streams.longest_wait.items())
    say(f"longest wait: {waits or 'none'}")
    for stream in streams.all:
        text = stream.log.read_text()
        if "Traceback" in text:
            wrong.append(f"a traceback in the log of a stream: {text[text.index('Traceback') :][:1500]}")


def _number(place: SoakPlace, statement: str) -> int:
    ((found,),) = place.sql(statement)
    return int(str(found))


def _waiting(place: SoakPlace) -> int | None:
    with suppress(psycopg2.Error), closing(connect(place.owner_url, "soak", autocommit=True)) as connection:
        return read_waiting_files(connection, EventsDirectory(place.events)).files
    return None
