"""The jobs: the stream as a visible run, and the two buttons that stop and start it.

The program is run by `supervision.run`; `supervision.decision` decides when.
"""

import time
from contextlib import suppress

import dagster as dg
import psycopg2

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.launches import failing_in_one_sentence
from clickstream_assets.ledger.facts import LeaseRow
from clickstream_assets.ledger.reads import read_lease
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.sql_files import statement
from clickstream_assets.supervision.ends import end_driver, end_run
from clickstream_assets.supervision.facts import run_name
from clickstream_assets.supervision.limits import UNSUPERVISED_AFTER
from clickstream_assets.supervision.run import StreamProgram, StreamProgramFailed
from clickstream_assets.supervision.runs import STREAM_JOB, is_known, stream_runs
from clickstream_assets.text import moment

STOP_LIMIT = 90.0  # seconds to wait for the stream's end: a micro-batch, and the limits that follow it

STREAM_TAGS = {
    "clickstream/role": "stream",  # dagster.yaml lets one run with this tag run
    "dagster/max_runtime": "0",  # no limit: it runs until it is ended
    "dagster/priority": "10",  # before the refreshes that wait for a place
}


@dg.op(
    description="Runs spark/spark_streaming_to_postgres.py until it ends or is ended.", tags={"kind": "spark"}
)
def stream(
    context: dg.OpExecutionContext,
    program: dg.ResourceParam[StreamProgram],
    database: dg.ResourceParam[Connections],
) -> None:
    has_begun = False

    def show_begin() -> None:
        nonlocal has_begun
        if not has_begun:
            has_begun = _show_begin(context, database)

    try:
        program.run(context, each_second=show_begin)
    except StreamProgramFailed as failure:
        _record_end(context, database, f"failed: {failure}")
        raise dg.Failure(f"The stream failed: {failure}", allow_retries=False) from None
    except BaseException:
        _record_end(context, database, "was terminated in Dagster")
        raise
    _record_end(context, database, "ended by itself, without an error")


def _show_begin(context: dg.OpExecutionContext, database: Connections) -> bool:
    """Put where to look into the run's log, once the stream has the lease and Spark is up."""
    # While the database is away the program notices by itself, and says so better.
    with suppress(psycopg2.OperationalError), database.open("reader") as connection:
        lease = read_lease(connection)
        if lease.dagster_run_id == context.run_id and lease.spark_ui_url:
            context.log_event(
                dg.AssetObservation(
                    "events",
                    description="The stream runs.",
                    metadata={
                        "spark_ui": dg.MetadataValue.url(lease.spark_ui_url),
                        "process": lease.pid or 0,
                        "host": lease.host or "",
                        "epoch": lease.epoch,
                        "stream_run": dg.MetadataValue.dagster_run(context.run_id),
                    },
                )
            )
            return True
    return False


def _record_end(context: dg.OpExecutionContext, database: Connections, reason: str) -> None:
    with (
        suppress(psycopg2.Error, ClickstreamError),
        database.open("writer") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement("lease.record_end"), {"reason": f"{run_name(context.run_id)} {reason}"})


@dg.job(
    name=STREAM_JOB,
    description="The stream: from event files to rows in PostgreSQL, for as long as it runs. The sensor "
    "spark_stream_supervisor keeps one run of it alive; terminating it here is a restart. To stop it, launch "
    "stop_stream.",
    executor_def=dg.in_process_executor,
    tags=STREAM_TAGS,
)
def spark_stream() -> None:
    stream()


@dg.op(description="Notes that the stream is to stay stopped, ends its run and waits for its end.")
def stop(context: dg.OpExecutionContext, database: dg.ResourceParam[Connections]) -> None:
    with failing_in_one_sentence("The stream was not stopped"), database.open("writer") as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement("lease.want"), {"wanted": "stopped"})
        for run in stream_runs(context.instance):
            if run.phase != "canceling":
                end_run(context.instance, run.run_id, "it was stopped on purpose, with the job stop_stream")
        lease = read_lease(connection)
        if (
            lease.lock_held
            and lease.mode == "continuous"
            and not is_known(context.instance, lease.dagster_run_id)
        ):
            context.log.info(f"Dagster has no run of the stream any more: {end_driver(lease, connection)}.")
        until = time.monotonic() + STOP_LIMIT
        while (lease := read_lease(connection)).lock_held:
            if lease.mode != "continuous":
                context.log.info(f"The stream is stopped. A {lease.mode} run goes on until it is done.")
                return
            if lease.dagster_run_id is None:
                raise dg.Failure(
                    f"The stream that runs was started outside Dagster, as process {lease.pid} on {lease.host}: "
                    "end it there. Dagster starts none until start_stream is launched.",
                    allow_retries=False,
                )
            if time.monotonic() > until:
                raise dg.Failure(_still_runs(lease), allow_retries=False)
            time.sleep(0.5)
    context.log.info("The stream is stopped. The job start_stream starts it again.")


def _still_runs(lease: LeaseRow) -> str:
    still = f"The stream, process {lease.pid} on {lease.host}, still runs after {STOP_LIMIT:.0f} s; the supervisor"
    looked_at = lease.supervised_at
    if looked_at is not None and (lease.now - looked_at).total_seconds() <= UNSUPERVISED_AFTER:
        return f"{still} goes on ending it."
    since = f" since {moment(looked_at)}" if looked_at else ""
    return f"{still} would go on ending it, but has not looked{since}: switch the sensor spark_stream_supervisor on."


@dg.op(description="Notes that the stream is to run; the supervisor starts it within seconds.")
def start(context: dg.OpExecutionContext, database: dg.ResourceParam[Connections]) -> None:
    with (
        failing_in_one_sentence("The stream was not started"),
        database.open("writer") as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement("lease.want"), {"wanted": "running"})
    context.log.info("The stream is wanted; the sensor spark_stream_supervisor starts it within seconds.")


@dg.job(
    description="Stops the stream on purpose: it stays stopped, also over restarts, until start_stream is "
    "launched. Event files wait meanwhile, and nothing is lost.",
    executor_def=dg.in_process_executor,
)
def stop_stream() -> None:
    stop()


@dg.job(
    description="Starts the stream that stop_stream has stopped, or at once one that waits after failures.",
    executor_def=dg.in_process_executor,
)
def start_stream() -> None:
    start()
