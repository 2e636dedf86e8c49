"""What is wrong now, for the alerts: failed checks, the stream, what is switched off, failed runs.

It asks Dagster and the ledger, one condition per subject. Whether someone is told is decided in `state`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorStatus

from clickstream_assets.alerts.state import AlertState, Condition, FailedRun, Findings
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.monitoring.dagster_state import late_since, read_dagster_state
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.settings.values import AlertLevel
from clickstream_assets.supervision import run_history
from clickstream_assets.supervision.away import ERRORS, why_away
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.look import look_at_stream
from clickstream_assets.supervision.model import StreamDecision, StreamState
from clickstream_assets.supervision.run_history import RunEnd
from clickstream_assets.supervision.runs import STREAM_JOB

STREAM = "stream"
DATABASE = "database"
SUPERVISOR = "supervisor"
# A restart takes less than 45 s, and that the stream was dead for a moment is no news.
DEAD_AFTER = 60.0  # seconds
DATABASE_AFTER = 30.0  # seconds: a restart of PostgreSQL
WAITS_AFTER = 60.0  # seconds: a restart of the database, and again a wait of a moment is no news
BAD_STATES = (StreamState.DEAD, StreamState.WAITING, StreamState.STUCK, StreamState.CRASH_LOOPING)
WORKING_STATES = (StreamState.RUNNING, StreamState.IDLE, StreamState.BEHIND)
FORGET_RUNS_AFTER = 7 * 86_400.0  # seconds: a job that failed and is never tried again
RUNS_OVERLAP = 30.0  # seconds: a run's end may be visible after that of another one that ended later
RUNS_REMEMBERED = 200


def look(
    instance: dg.DagsterInstance,
    database: Connections,
    settings: Settings,
    checks: Iterable[dg.AssetCheckKey],
    state: AlertState,
    now: float,
) -> Findings:
    """Look at everything. Failed runs are noted in `state`, since they are events and no state of Dagster's."""
    stream = judge_stream(instance, database, settings)
    works = isinstance(stream, StreamDecision) and stream.state in WORKING_STATES
    note_ended_runs(instance, state, now, stream_works=works)
    seen = (
        look_at_checks(instance, list(checks))
        + look_at_judged_stream(stream)
        + look_at_switches(instance)
        + look_at_late_sensors(database)
        + look_at_failed_runs(state, settings)
    )
    wanted: tuple[AlertLevel, ...] = ("error",) if settings.alert_level == "error" else ("error", "warn")
    return replace(
        seen, conditions=tuple(condition for condition in seen.conditions if condition.level in wanted)
    )


def look_at_checks(instance: dg.DagsterInstance, keys: Sequence[dg.AssetCheckKey]) -> Findings:
    latest = run_history.latest_evaluations(instance, keys)
    return sum((_look_at_check(key, latest.get(key)) for key in keys), Findings())


def _look_at_check(key: dg.AssetCheckKey, evaluation: dg.AssetCheckEvaluation | None) -> Findings:
    subject = f"check {key.name} of {key.asset_key.to_user_string()}"
    if evaluation is None:  # never measured, or being measured by a run at this moment
        return Findings(unknown=frozenset({subject}))
    text = evaluation.description
    if evaluation.passed:
        return Findings(well={subject: text or "It passes."})
    level: AlertLevel = "warn" if evaluation.severity is dg.AssetCheckSeverity.WARN else "error"
    condition = Condition(subject, level, level, text or "It fails.")
    return Findings(
        (condition,), well={subject: f"It warns only: {text or ''}"}
    )  # where warnings are not sent


def judge_stream(
    instance: dg.DagsterInstance, database: Connections, settings: Settings
) -> StreamDecision | str:
    """How the stream is, or why the database does not say."""
    try:
        with database.open("reader") as connection:
            lease = ledger.read_lease(connection)
            return decide(look_at_stream(instance, connection, lease, settings))
    except ERRORS as error:
        return why_away(error, settings.home)


def look_at_judged_stream(judged: StreamDecision | str) -> Findings:
    """The stream and, as that is where it is read from, the database."""
    if isinstance(judged, str):
        text = f"It does not serve: {judged}."
        return Findings((Condition(DATABASE, "away", "error", text, DATABASE_AFTER),), frozenset({STREAM}))
    text = f"The stream is {judged.state}: {judged.reason}."
    if not judged.unsupervised:
        return Findings(well={SUPERVISOR: "It looks again."}) + _look_at_state(judged, text)
    unwatched = Condition(
        SUPERVISOR, "away", "error", f"Nobody keeps the stream alive: {judged.unsupervised}."
    )
    return Findings((unwatched,)) + _look_at_state(judged, text)


def _look_at_state(judged: StreamDecision, text: str) -> Findings:
    well = {DATABASE: "It answers again.", STREAM: text}
    if judged.state in BAD_STATES:
        graces = {StreamState.DEAD: DEAD_AFTER, StreamState.WAITING: WAITS_AFTER}
        after = graces.get(judged.state, 0.0)
        return Findings((Condition(STREAM, str(judged.state), "error", text, after),), well=well)
    return Findings(unknown=frozenset({STREAM} if judged.state is StreamState.STARTING else ()), well=well)


def look_at_switches(instance: dg.DagsterInstance) -> Findings:
    """Sensors and schedules that someone switched off: what they do is not done, and nothing else turns red."""
    looks = []
    for state in instance.all_instigator_state():
        kind = "schedule" if state.instigator_type is InstigatorType.SCHEDULE else "sensor"
        subject = f"{kind} {state.instigator_name}"
        if state.status is InstigatorStatus.STOPPED:
            level: AlertLevel = "warn" if kind == "schedule" else "error"
            looks.append(Findings((Condition(subject, "off", level, "It is switched off."),)))
        else:
            looks.append(Findings(well={subject: "It is on again."}))
    return sum(looks, Findings())


def look_at_late_sensors(database: Connections) -> Findings:
    """Sensors that are on and do not tick."""
    state = read_dagster_state(database)
    late = state.late if state else ()
    return Findings(
        tuple(Condition(f"sensor {name}", "late", "error", f"It {late_since(last)}.") for name, last in late)
    )


def look_at_failed_runs(state: AlertState, settings: Settings) -> Findings:
    return Findings(
        tuple(
            Condition(
                subject,
                run.run_id,
                "error",
                run.text,
                link=f"http://127.0.0.1:{settings.dagster_port}/runs/{run.run_id}",
            )
            for subject, run in state.failed_runs.items()
        )
    )


def note_ended_runs(
    instance: dg.DagsterInstance, state: AlertState, now: float, *, stream_works: bool
) -> None:
    """Note in `state` which runs failed, and forget those that a later one has made good."""
    is_first_evaluation = not 0 < state.runs_until <= now + RUNS_OVERLAP  # or the clock was set back
    if is_first_evaluation:
        state.runs_until = now
    since = datetime.fromtimestamp(state.runs_until - RUNS_OVERLAP, UTC)
    for end in run_history.runs_ended_after(instance, since):
        if end.run_id in state.runs_seen:
            continue
        state.runs_seen = [*state.runs_seen, end.run_id][-RUNS_REMEMBERED:]
        state.runs_until = max(state.runs_until, end.at)
        if not is_first_evaluation:  # what failed before is history
            _note_end(state, end)
    for name, failed in list(state.failed_runs.items()):
        is_stream_again = name == f"job {STREAM_JOB}" and stream_works
        if is_stream_again or now - failed.at > FORGET_RUNS_AFTER:
            del state.failed_runs[name]


def _note_end(state: AlertState, end: RunEnd) -> None:
    subject = _subject(end)
    if not end.succeeded:
        text = f"Run {end.run_id[:8]} failed: {end.error}"
        state.failed_runs[subject] = FailedRun(end.run_id, text, end.at, sorted(end.assets))
        return
    for name, failed in list(state.failed_runs.items()):
        # A later run that made all of it, and perhaps more, has made it good.
        if name == subject or (failed.assets and end.assets and set(failed.assets) <= end.assets):
            del state.failed_runs[name]


def _subject(end: RunEnd) -> str:
    if not end.assets:
        return f"job {end.job_name}"
    names = sorted(end.assets)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"materialization of {', '.join(names[:3])}{more}"
