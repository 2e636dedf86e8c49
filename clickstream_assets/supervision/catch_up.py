"""Catching up: every file that is on disk now gets into the database, by whoever has the stream.

1. Look which files wait: those that land later are not waited for.
2. While one of them waits: if someone streams or is about to, look again; else run the program with
   --available-now, under the lease. A stream that comes first wins the lease, and is waited for.

Two programs never share the checkpoint: the lease sees to that, whatever is decided here.
"""

from __future__ import annotations

import time

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets.contract import ExitCode
from clickstream_assets.errors import StreamError
from clickstream_assets.ledger.reads import read_lease
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.ledger.waiting_by_source import read_waiting_by_source
from clickstream_assets.ledger.waiting_watch import WaitingWatch
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.limits import CRASH_LOOP_FAILURES, UNSUPERVISED_AFTER
from clickstream_assets.supervision.run import StreamProgram, StreamProgramFailed
from clickstream_assets.supervision.runs import stream_runs

LOOK_EVERY = 1.0  # seconds
SAY_EVERY = 10.0  # seconds between two lines of the log


def catch_up(
    context: dg.AssetExecutionContext,
    connection: Connection,
    settings: Settings,
    program: StreamProgram,
    timeout_seconds: float,
) -> int:
    """Returns the number of files that were waiting at the begin.

    Raises:
        StreamError: some still wait after `timeout_seconds`.
        StreamProgramFailed: the program ended with an error.
    """
    begin = said_at = time.monotonic()
    watch = WaitingWatch(settings.events_directory)
    watch.look(new_seconds=float("inf"))
    at_begin = waiting = watch.compare(connection)
    # A clock that was set back leaves files that landed in the future.
    landed_until = max(int(time.time() * 1e6), watch.landed_last())
    files = at_begin.files
    context.log.info(f"{files} of {waiting.files_on_disk} files are waiting.")
    while files:
        if time.monotonic() - begin > timeout_seconds:
            named = ", ".join(waiting.oldest_paths)
            raise StreamError(
                f"{files} files are still waiting after {timeout_seconds:.0f} s, the oldest: {named}"
            )
        if _is_someone_streaming(context.instance, connection):
            time.sleep(LOOK_EVERY)
        else:
            _run_program(context, program)
        watch.look()
        waiting = watch.compare(connection)
        files = watch.landed_until(landed_until)
        if time.monotonic() - said_at > SAY_EVERY:
            said_at = time.monotonic()
            context.log.info(f"{files} files are waiting for the stream.")
    others = _catch_up_others(context, connection, settings, program, begin + timeout_seconds)
    return at_begin.files + others


def _catch_up_others(
    context: dg.AssetExecutionContext,
    connection: Connection,
    settings: Settings,
    program: StreamProgram,
    deadline: float,
) -> int:
    """The same for the files of the other sources that have landed by now; those of a directory that is not there, or
    does not answer, are not waited for. `deadline` is monotonic."""
    if settings.sources is None:
        return 0
    others = [source for source in sources_in_force(connection, settings).sources if not source.is_default]
    landed_by = read_lease(connection).now
    at_begin: int | None = None
    while True:
        found = read_waiting_by_source(connection, others)
        waiting = {
            name: waits
            for name, waits in found.items()
            if waits is not None
            and waits.oldest_landed_at is not None
            and waits.oldest_landed_at <= landed_by
        }
        if at_begin is None:
            at_begin = sum(waits.files for waits in waiting.values())
        if not waiting:
            return at_begin
        if time.monotonic() > deadline:
            raise StreamError(f"files of {', '.join(waiting)} are still waiting")
        if _is_someone_streaming(context.instance, connection):
            time.sleep(LOOK_EVERY)
        else:
            _run_program(context, program)


def _is_someone_streaming(instance: dg.DagsterInstance, connection: Connection) -> bool:
    """Also where a stream is about to: between two runs of it the supervisor goes first, or who waits would hold the
    lease for as long as the files take. Where starts keep failing, nothing is gained by waiting for the next."""
    lease = read_lease(connection)
    if lease.lock_held or lease.wanted != "running":
        return lease.lock_held
    looked_at = lease.supervised_at
    is_watched = looked_at is not None and (lease.now - looked_at).total_seconds() <= UNSUPERVISED_AFTER
    return bool(stream_runs(instance)) or (is_watched and lease.failures < CRASH_LOOP_FAILURES)


def _run_program(context: dg.AssetExecutionContext, program: StreamProgram) -> None:
    context.log.info("Nobody streams: this run loads the files itself.")
    try:
        # Given an asset's context, Pipes uses a deprecated property of it.
        program.run(context.op_execution_context, available_now=True)
    except StreamProgramFailed as failure:
        if failure.program_exit_code != ExitCode.LEASE_HELD:
            raise
        context.log.info(f"{failure} Waiting for it.")
