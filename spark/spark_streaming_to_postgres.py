"""The stream: CSV files of the events directory into PostgreSQL, exactly once.

    python spark/spark_streaming_to_postgres.py [--available-now] [--source DIR] [--sink copy|jdbc]

A program of its own, the same from a shell and under Dagster, of which it knows nothing. Settings come from the
environment (`clickstream_assets.settings`), the database's URL from CLICKSTREAM_STREAM_DATABASE_URL, or else
CLICKSTREAM_DATABASE_URL. Exit codes: 0 done or stopped; 1 failed; 2 wrong settings; 3 another stream runs.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

# Started as a file, Python puts this folder first on its path, where `spark` would mean nothing.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from dagster_pipes import DAGSTER_PIPES_CONTEXT_ENV_VAR, open_dagster_pipes  # noqa: E402

from clickstream_assets.contract import ExitCode  # noqa: E402
from clickstream_assets.errors import SettingsError, StreamError  # noqa: E402
from clickstream_assets.exits import EXPECTED, end_by, sentence_for  # noqa: E402
from clickstream_assets.home import make_home  # noqa: E402
from clickstream_assets.outages.errors import passes  # noqa: E402
from clickstream_assets.outages.mounts import why_away  # noqa: E402
from clickstream_assets.settings import Settings  # noqa: E402
from spark.stream.settings import StreamSettings  # noqa: E402
from spark.stream.stream import run_stream  # noqa: E402

PROGRAM = "clickstream stream"  # what its last words begin with

log = logging.getLogger("clickstream.stream")


def main() -> int:
    """Run the stream and say in one sentence why it ended, where it did not end well."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("py4j").setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:  # of py4j, with a traceback, where the JVM is gone
        handler.addFilter(lambda record: record.getMessage() != "Exception while sending command.")
    try:
        stream = _settings()
    except EXPECTED as error:
        return end_by(error, PROGRAM)
    with _reporting():  # within: Dagster would show any error that passes with a traceback
        return _run(stream)


def _run(stream: StreamSettings) -> int:
    try:
        run_stream(stream)
    except EXPECTED as error:
        return end_by(error, PROGRAM)
    except Exception as error:
        log.exception("this is a bug")
        return end_by(StreamError(sentence_for(error)), PROGRAM)
    return ExitCode.DONE


def _settings() -> StreamSettings:
    parser = argparse.ArgumentParser(description="Load event files into PostgreSQL, exactly once.")
    parser.add_argument("--available-now", action="store_true", help="end when all present files are in")
    parser.add_argument(
        "--source", type=Path, help="read this directory alone (default: CLICKSTREAM_EVENTS_DIR)"
    )
    parser.add_argument("--sink", choices=("copy", "jdbc"), help="default: CLICKSTREAM_SINK, or copy")
    arguments = parser.parse_args()
    settings = Settings.from_env()
    if arguments.source:
        settings = settings.changed(events_dir=arguments.source.absolute(), sources=None)
    if arguments.sink:
        settings = settings.changed(sink=arguments.sink)
    stream = StreamSettings.of(settings, available_now=arguments.available_now)
    if settings.events_dir == settings.home / "events":
        make_home(settings.home)
        settings.events_dir.mkdir(exist_ok=True)  # ours; one that was named must be there
    if not _is_there(settings):
        raise SettingsError(f"{settings.events_dir} is no directory: create it, or name the right one.")
    return stream


def _is_there(settings: Settings) -> bool:
    """Whether the events directory is one, or would be if its file system were mounted: that is waited for."""
    try:
        return settings.events_dir.is_dir() or why_away(settings.home, settings.events_dir) is not None
    except OSError as error:
        if passes(error):
            return True
        raise


def _reporting() -> AbstractContextManager[object]:
    """Where an orchestrator opened a Dagster Pipes session for this process, open its end, so that it knows we live."""
    return open_dagster_pipes() if DAGSTER_PIPES_CONTEXT_ENV_VAR in os.environ else nullcontext()


if __name__ == "__main__":
    sys.exit(main())
