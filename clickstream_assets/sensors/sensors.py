"""The sensors: thin shells around decisions made elsewhere.

They read what a tick needs and carry out what was decided: by `supervision` about the stream, by `progress` about new
files and batches, by `checks` about the checks.

A database that is away or read-only fails no tick: the sensor's history says so in one sentence (`away`).
"""

import json
import time
from dataclasses import asdict, replace

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets.assets import checks_reported
from clickstream_assets.checks.event_checks import event_checks
from clickstream_assets.checks.reporting import evaluate_away, evaluate_checks
from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.sensors.cursors import remembered
from clickstream_assets.sensors.live_assets import shown_wrongly, tags_of_live_assets
from clickstream_assets.sensors.progress import Reported, materializations, read_progress
from clickstream_assets.settings import Settings
from clickstream_assets.sources.source_assets import EVENT_FILES
from clickstream_assets.sql_files import statement
from clickstream_assets.supervision import ends, runs
from clickstream_assets.supervision.away import ERRORS, why_away
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.facts import run_name
from clickstream_assets.supervision.limits import pause_after
from clickstream_assets.supervision.look import look_at_stream
from clickstream_assets.supervision.model import Action, Backlog, StreamDecision, StreamFacts
from clickstream_assets.supervision.runs import STREAM_JOB
from clickstream_assets.supervision.shown_checks import verdict_of
from clickstream_assets.text import count

TICK = 5  # seconds
CHECKS_TICK = 15  # seconds
AUTOMATION_TICK = 30  # seconds: a refresh takes some, and each is a run
PROGRESS_TICK = 10  # seconds
AGAIN_AFTER = 20.0  # seconds between two reports, where Dagster shows something that is not so
REPORTED = "Reported a moment ago."


@dg.sensor(
    job_name=STREAM_JOB,  # not job=: on building with it Dagster warns about a parameter of its own
    minimum_interval_seconds=TICK,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Keeps exactly one stream alive: starts it, ends it when it is stuck, cleans up after a crash. "
    "Its history says in which state the stream was, and why it was started.",
)
def spark_stream_supervisor(
    context: dg.SensorEvaluationContext,
    database: dg.ResourceParam[Connections],
    settings: dg.ResourceParam[Settings],
) -> dg.SensorResult:
    runs.prepare_pool(context.instance)
    for run_id in ends.reap_dead_runs(context.instance):
        context.log.warning(f"Marked {run_name(run_id)} as failed: its worker is gone.")
    try:
        with database.open("writer") as connection:
            facts, decision, request = _supervise(context, connection, settings)
            if decision.action is Action.REAP_RUN:
                # What it stood in the way of need not wait for the next tick.
                facts, decision, request = _supervise(context, connection, settings)
    except ERRORS as error:
        return dg.SensorResult(skip_reason=f"Nothing is done: {why_away(error, settings.home)}.")
    if request is not None:
        return dg.SensorResult(run_requests=[request])
    return dg.SensorResult(skip_reason=f"{decision.state}: {decision.reason} ({looked(facts.backlog)})")


def _supervise(
    context: dg.SensorEvaluationContext, connection: Connection, settings: Settings
) -> tuple[StreamFacts, StreamDecision, dg.RunRequest | None]:
    """Look once and do what was decided. The run that is to be launched is returned."""
    instance, request = context.instance, None
    lease = ledger.read_lease(connection)
    facts = look_at_stream(instance, connection, lease, settings)
    decision = decide(facts)
    if facts.read_only is not None:
        return facts, decision, None
    run_id = decision.run_id or lease.dagster_run_id or ""
    with connection.cursor() as cursor:
        cursor.execute(statement("lease.record_look"))
        match decision.action:
            case Action.LAUNCH:
                failures = facts.starts.failures + 1
                pause = {"failures": failures, "pause_seconds": pause_after(failures)}
                cursor.execute(statement("lease.record_launch"), pause)
                request = _request(decision, failures)
            case Action.REAP_RUN:
                ends.fail_run(instance, run_id, f"Marked by the supervisor: {decision.reason}.")
            case Action.END_RUN:
                ends.end_run(instance, run_id, decision.reason)
            case Action.END_DRIVER:
                done = ends.end_driver(lease, connection)
                decision = replace(decision, reason=f"{decision.reason}; {done}")
            case Action.KILL_DRIVER:
                done = ends.kill_driver(lease, connection)
                decision = replace(decision, reason=f"{decision.reason}; {done}")
        if decision.action in (Action.REAP_RUN, Action.END_RUN, Action.END_DRIVER, Action.KILL_DRIVER):
            reason = f"{run_name(run_id)} was ended by the supervisor: {decision.reason}"
            cursor.execute(statement("lease.record_end"), {"reason": reason})
        if decision.is_healthy and facts.starts.failures:
            cursor.execute(statement("lease.record_healthy"))
    if decision.action is not Action.LEAVE:
        context.log.warning(f"{decision.state}, {decision.action}: {decision.reason}")
    return facts, decision, request


def looked(backlog: Backlog) -> str:
    """What the look at the events directory took, as a clause."""
    return f"looked at {count(backlog.files_on_disk)} files in {backlog.look_seconds:.2f} s"


def _request(decision: StreamDecision, failures: int) -> dg.RunRequest:
    """No run key: a key launches once and never again."""
    return dg.RunRequest(
        tags={"clickstream/launched-because": decision.reason, "clickstream/attempt": str(failures)}
    )


@dg.sensor(
    minimum_interval_seconds=PROGRESS_TICK,
    default_status=dg.DefaultSensorStatus.RUNNING,
    target=dg.AssetSelection.assets("event_files", "events", "rejected_events"),
    description="Reports new files and micro-batches as materializations, with their numbers; the summaries are "
    "refreshed on these. One report for all that is new, every CLICKSTREAM_REFRESH_SECONDS at most. Reports an asset "
    "again that was wiped, or that Dagster would call unsynced.",
)
def ingest_progress(
    context: dg.SensorEvaluationContext,
    database: dg.ResourceParam[Connections],
    settings: dg.ResourceParam[Settings],
) -> dg.SensorResult:
    since, now = remembered(context, Reported), time.time()
    is_early = 0 <= now - since.at < settings.refresh_seconds
    if is_early and now - since.at < AGAIN_AFTER:
        return dg.SensorResult(skip_reason=REPORTED)
    live = tags_of_live_assets(_loaded_sources(context, settings))
    again = shown_wrongly(context.instance, live)
    if is_early and not again:
        return dg.SensorResult(skip_reason=REPORTED)
    try:
        with database.open("reader") as connection, ledger.snapshot(connection):
            progress = read_progress(connection, since, now, by_source=settings.sources is not None)
    except ERRORS as error:
        return dg.SensorResult(skip_reason=f"Nothing is reported: {why_away(error, settings.home)}.")
    if not progress.is_of_rows:
        again = []
    if progress.is_empty and not again:
        return dg.SensorResult(skip_reason="Nothing new.")
    batches, files = progress.batches, progress.files
    said = f"Reported {batches.batches} batches with {batches.rows_read} rows, and {files.files} files."
    if progress.is_empty:
        names = ", ".join(key.to_user_string() for key in again)
        said = f"Reported again, since Dagster did not show them as they are: {names}."
    return dg.SensorResult(
        skip_reason=said,
        asset_events=materializations(progress, live, again),
        cursor=json.dumps(asdict(progress.reported(since, now))),
    )


@dg.sensor(
    minimum_interval_seconds=CHECKS_TICK,
    default_status=dg.DefaultSensorStatus.RUNNING,
    target=dg.AssetSelection.checks(*event_checks),
    description="Measures the checks on events and reports their results without a run: at once where a verdict "
    "changes, else every minute.",
)
def event_check_results(
    context: dg.SensorEvaluationContext,
    database: dg.ResourceParam[Connections],
    settings: dg.ResourceParam[Settings],
) -> dg.SensorResult:
    try:
        with database.open("reader") as connection:
            evaluations = evaluate_checks(
                connection, settings, context.instance, _loaded_sources(context, settings)
            )
    except ERRORS as error:
        why = why_away(error, settings.home)
        return dg.SensorResult(
            skip_reason=f"Nothing is measured: {why}.", asset_events=evaluate_away(why, context.instance)
        )
    if not evaluations:
        return dg.SensorResult(skip_reason="Nothing has changed.")
    verdicts = ", ".join(f"{evaluation.check_name} {verdict_of(evaluation)}" for evaluation in evaluations)
    return dg.SensorResult(
        skip_reason=f"Reported {verdicts}.", asset_events=[*evaluations, checks_reported.report()]
    )


def _loaded_sources(context: dg.SensorEvaluationContext, settings: Settings) -> list[str]:
    """The sources that have assets in this code location; none without a sources' file."""
    if settings.sources is None or context.repository_def is None:
        return []
    keys = [key.path for key in context.repository_def.asset_graph.get_all_asset_keys()]
    return [DEFAULT_SOURCE, *(path[1] for path in keys if len(path) == 2 and path[0] == EVENT_FILES)]


automation = dg.AutomationConditionSensorDefinition(
    "refresh_summaries",
    target=dg.AssetSelection.all(),
    default_status=dg.DefaultSensorStatus.RUNNING,
    minimum_interval_seconds=AUTOMATION_TICK,
    description="Refreshes the summaries after new rows were reported, never twice at a time.",
)

sensors = [spark_stream_supervisor, ingest_progress, event_check_results, automation]
