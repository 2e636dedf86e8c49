"""A stand-in for the Spark program: the real lease, its signals and exit codes, and no Spark.

Run as a process by the tests of supervision. STAND_IN says how it behaves: `deaf` ignores SIGINT, `fail` ends with a
sentence and code 2. With --available-now it books every file on disk as committed, with one row each.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, open_dagster_pipes
from ledger_books import LedgerBooks, Part, state_on_disk

from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.disk_view import list_event_files
from spark.lease import Lease, LeaseHeld

BEHAVIOUR = os.environ.get("STAND_IN", "")


def main() -> int:
    if BEHAVIOUR == "fail":
        sys.stderr.write("starting\nCLICKSTREAM_EVENTS_DIR is no directory: make it.\n")
        return 2
    parent = os.getppid()
    asked: list[int] = []
    signal.signal(signal.SIGINT, signal.SIG_IGN if BEHAVIOUR == "deaf" else lambda n, _: asked.append(n))
    is_catch_up = "--available-now" in sys.argv
    try:
        lease = Lease(
            os.environ["CLICKSTREAM_STREAM_DATABASE_URL"],
            "catch-up" if is_catch_up else "continuous",
            os.environ.get("CLICKSTREAM_DAGSTER_RUN_ID"),
            lambda reason: os._exit(1),
        )
    except LeaseHeld as held:
        sys.stderr.write(f"{held}\n")
        return 3
    lease.show_spark_ui("http://127.0.0.1:4040")
    if is_catch_up:
        book_everything()
        asked.append(0)
    while not asked:
        if os.getppid() != parent:
            os._exit(1)
        lease.progressed()
        time.sleep(0.05)
    lease.release("asked to stop")
    return 0


def book_everything() -> None:
    books = LedgerBooks(os.environ["STAND_IN_OWNER_URL"])
    directory = Path(os.environ["CLICKSTREAM_EVENTS_DIR"])
    for state in list_event_files(EventsDirectory(directory)).files:
        file_id = books.add_file(state.path, expected=1, chunks=1, state=state_on_disk(directory, state.path))
        books.commit(Part(file_id, inserted=1))


if __name__ == "__main__":
    if DAGSTER_PIPES_CONTEXT_ENV_VAR in os.environ:
        with open_dagster_pipes() as pipes:
            pipes.log.info("the stand-in is here")
            code = main()
    else:
        code = main()
    sys.exit(code)
