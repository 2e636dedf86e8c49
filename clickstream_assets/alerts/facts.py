"""What is wrong now, for the alerts: failed checks, the stream, failed runs.

Belongs here: asking Dagster and the ledger, and one condition a subject. Does not belong here: whether someone is
told (`alerts`), and the judgements themselves (`checks`, `supervision`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import dagster as dg
import psycopg2

from clickstream_assets.alerts.state import AlertState, Condition, FailedRun, Look
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.resources import Database
from clickstream_assets.settings import AlertLevel, Settings
from clickstream_assets.supervision import run_history
from clickstream_assets.supervision.decision import StreamState, decide
from clickstream_assets.supervision.look import look_at_stream
from clickstream_assets.supervision.run_history import RunEnd
from clickstream_assets.supervision.runs import STREAM_JOB
from clickstream_assets.text import first_line

STREAM = "stream"
DATABASE = "database"
# A restart takes less than 45 s, and that the stream was dead for a moment is no news.
DEAD_AFTER = 60.0  # seconds
DATABASE_AFTER = 30.0  # seconds: a restart of PostgreSQL
BAD_STATES = (StreamState.DEAD, StreamState.STUCK, StreamState.CRASH_LOOPING)
FORGET_RUNS_AFTER = 7 * 86_400.0  # seconds: a job that failed and is never tried again
RUNS_OVERLAP = 30.0  # seconds: a run's end may be visible after that of another one that ended later
RUNS_REMEMBERED = 200


def look(
    instance: dg.DagsterInstance,
    database: Database,
    settings: Settings,
    checks: Iterable[dg.AssetCheckKey],
    state: AlertState,
    now: float,
) -> Look:
    """Look at everything. Failed runs are noted in `state`, since they are events and no state of Dagster's."""
    conditions: list[Condition] = []
    unknown: set[str] = set()
    well: dict[str, str] = {}
    _look_at_checks(instance, list(checks), conditions, unknown, well)
    stream_runs = _look_at_stream(instance, database, settings, conditions, unknown, well)
    _look_at_runs(instance, state, now, stream_runs=stream_runs)
    for subject, run in state.failed_runs.items():
        link = f"http://127.0.0.1:{settings.dagster_port}/runs/{run.run_id}"
        conditions.append(Condition(subject, run.run_id, "error", run.text, link=link))
    wanted: tuple[AlertLevel, ...] = ("error",) if settings.alert_level == "error" else ("error", "warn")
    return Look(
        tuple(condition for condition in conditions if condition.level in wanted), frozenset(unknown), well
    )


def _look_at_checks(
    instance: dg.DagsterInstance,
    keys: list[dg.AssetCheckKey],
    conditions: list[Condition],
    unknown: set[str],
    well: dict[str, str],
) -> None:
    latest = run_history.latest_evaluations(instance, keys)
    for key in keys:
        subject = f"check {key.name} of {key.asset_key.to_user_string()}"
        evaluation = latest.get(key)
        if evaluation is None:  # never measured, or being measured by a run at this moment
            unknown.add(subject)
        elif evaluation.passed:
            well[subject] = evaluation.description or "It passes."
        else:
            level: AlertLevel = "warn" if evaluation.severity is dg.AssetCheckSeverity.WARN else "error"
            well[subject] = f"It warns only: {evaluation.description or ''}"  # where warnings are not sent
            conditions.append(Condition(subject, level, level, evaluation.description or "It fails."))


def _look_at_stream(
    instance: dg.DagsterInstance,
    database: Database,
    settings: Settings,
    conditions: list[Condition],
    unknown: set[str],
    well: dict[str, str],
) -> bool:
    """Returns whether the stream works."""
    try:
        with database.reading() as connection:
            lease = ledger.read_lease(connection)
            decision = decide(look_at_stream(instance, connection, lease, settings))
    except psycopg2.OperationalError as error:
        unknown.add(STREAM)
        conditions.append(
            Condition(DATABASE, "away", "error", f"It does not answer: {first_line(error)}", DATABASE_AFTER)
        )
        return False
    well[DATABASE] = "It answers again."
    if decision.state in BAD_STATES:
        text = f"The stream is {decision.state}: {decision.reason}."
        after = DEAD_AFTER if decision.state is StreamState.DEAD else 0.0
        conditions.append(Condition(STREAM, str(decision.state), "error", text, after))
    elif decision.state is StreamState.STARTING:
        unknown.add(STREAM)
    well[STREAM] = f"The stream is {decision.state}: {decision.reason}."
    return decision.state in (StreamState.RUNNING, StreamState.IDLE, StreamState.BEHIND)


def _look_at_runs(instance: dg.DagsterInstance, state: AlertState, now: float, *, stream_runs: bool) -> None:
    is_first_look = not state.runs_until
    state.runs_until = state.runs_until or now
    for end in run_history.runs_ended_after(
        instance, datetime.fromtimestamp(state.runs_until - RUNS_OVERLAP, UTC)
    ):
        if end.run_id in state.runs_seen:
            continue
        state.runs_seen = [*state.runs_seen, end.run_id][-RUNS_REMEMBERED:]
        state.runs_until = max(state.runs_until, end.at)
        if is_first_look:  # what failed before is history
            continue
        subject = _subject(end)
        if not end.succeeded:
            text = f"Run {end.run_id[:8]} failed: {end.error}"
            state.failed_runs[subject] = FailedRun(end.run_id, text, end.at, sorted(end.assets))
            continue
        for name, failed in list(state.failed_runs.items()):
            # A later run that made all of it, and perhaps more, has made it good.
            if name == subject or (failed.assets and end.assets and set(failed.assets) <= end.assets):
                del state.failed_runs[name]
    for name, failed in list(state.failed_runs.items()):
        is_stream_again = name == f"job {STREAM_JOB}" and stream_runs
        if is_stream_again or now - failed.at > FORGET_RUNS_AFTER:
            del state.failed_runs[name]


def _subject(end: RunEnd) -> str:
    if not end.assets:
        return f"job {end.job_name}"
    names = sorted(end.assets)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"materialization of {', '.join(names[:3])}{more}"
