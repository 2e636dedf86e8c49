"""The checks on `events`: what is measured, with a button each, and reported by a sensor without any run.

Belongs here: one function a check, used by its button and by the sensor alike, so that they cannot disagree. Does
not belong here: the judgement (`judgements`), the limits (`thresholds`), the queries (`ledger` and others).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets import thresholds
from clickstream_assets.checks.judgements import (
    Judgement,
    judge_conservation,
    judge_freshness,
    judge_id_conflicts,
    judge_latency,
    judge_rate,
    judge_reused_ids,
    judge_schema_drift,
)
from clickstream_assets.checks.schema_drift import read_headers
from clickstream_assets.checks.stream_alive import judge_stream
from clickstream_assets.checks.worst_files import Kind, WorstFile, read_worst_files
from clickstream_assets.database import query
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.ledger.audit import verify, verify_recent
from clickstream_assets.ledger.waiting_files import read_waiting_files
from clickstream_assets.maintenance.reused_ids import read_reused_ids
from clickstream_assets.resources import Database
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.decision import decide
from clickstream_assets.supervision.facts import stream_facts

EVENTS = dg.AssetKey("events")
REPORT_EVERY = 60.0  # seconds; a verdict that changes is reported at once
# Of these the numbers hardly change, and every report is rows in Dagster's storage.
REPORT_SELDOM = {
    "stream_alive": 5,
    "id_conflicts": 5,
    "schema_drift": 5,
    "same_id_other_time": 5,
}  # times REPORT_EVERY
STREAM_CHECK = "stream_alive"
FIRST_LOOK = 60.0  # seconds from the code server's start within which the supervisor has started a stream
CONFLICTS_SHOWN = 5
AUDIT_ROWS = 2_000_000  # at most in one look of the sensor: a few seconds

Reports = dict[str, tuple[str, float]]  # by check: the verdict last reported, and when

_LOADED_AT = time.monotonic()


def stream_alive(connection: Connection, settings: Settings, *, is_awaited: bool = False) -> Judgement:
    """Whether a stream is at work: red where it is stuck, keeps failing, or is gone for longer than a restart takes."""
    lease = ledger.read_lease(connection)
    waiting = read_waiting_files(connection, settings.events_dir)
    facts = stream_facts(lease, waiting, ledger.read_last_batch(connection), is_awaited=is_awaited)
    return judge_stream(decide(facts), lease)


def freshness(connection: Connection, settings: Settings) -> Judgement:
    """How long the oldest event file has been waiting, on disk, to become rows. An idle stream is not stale."""
    newest = ledger.read_newest_event_time(connection)
    age = (ledger.read_lease(connection).now - newest).total_seconds() if newest else None
    return judge_freshness(read_waiting_files(connection, settings.events_dir), age)


def duplicate_rate(connection: Connection, _settings: Settings) -> Judgement:
    """Share of the rows of the last hour that had been delivered before; the exact lifetime figures beside it."""
    window = ledger.read_window_counts(connection, thresholds.RATE_WINDOW_SECONDS)
    lifetime = ledger.read_lifetime_counts(connection)
    more = {"rows_conflict": window.rows_conflict, "files_delivered_again": window.duplicate_files}
    shares = (window.rows_duplicate, lifetime.rows_duplicate)
    worst = _worst_files(connection, "duplicate", thresholds.DUPLICATE_RATE, window.rows_duplicate, window)
    return judge_rate("duplicates", thresholds.DUPLICATE_RATE, shares, window, lifetime, more, worst)


def reject_rate(connection: Connection, _settings: Settings) -> Judgement:
    """Share of the rows of the last hour that could not be read as events, by reason; the lifetime beside it."""
    window = ledger.read_window_counts(connection, thresholds.RATE_WINDOW_SECONDS)
    lifetime = ledger.read_lifetime_counts(connection)
    more = {"by_reason": ledger.read_window_rejects(connection, thresholds.RATE_WINDOW_SECONDS)}
    shares = (window.rows_rejected, lifetime.rows_rejected)
    worst = _worst_files(connection, "rejected", thresholds.REJECT_RATE, window.rows_rejected, window)
    return judge_rate("rejected", thresholds.REJECT_RATE, shares, window, lifetime, more, worst)


def _worst_files(
    connection: Connection, kind: Kind, limits: thresholds.Limits, rows: int, window: ledger.WindowCounts
) -> list[WorstFile]:
    if not window.rows_read or limits.verdict(rows / window.rows_read) == "pass":
        return []
    return read_worst_files(connection, kind, window.window_seconds)


def latency(connection: Connection, settings: Settings) -> Judgement:
    """How long the files of the last minutes took from their rename to visible rows, against the service level."""
    window = thresholds.LATENCY_WINDOW_SECONDS
    level = thresholds.Limits(settings.latency_p99_seconds, inf)
    latency = ledger.read_latency(connection, window, thresholds.LATENCY_FIRST_START_SECONDS)
    return judge_latency(latency, window, level)


def id_conflicts(connection: Connection, _settings: Settings) -> Judgement:
    """Rows with the id and time of a stored event but other content. The first one stands, the others are kept in
    event_conflicts."""
    window = ledger.read_window_counts(connection, thresholds.RATE_WINDOW_SECONDS)
    rows = ledger.read_conflicts_counted(connection, thresholds.CONFLICTS_COUNTED)
    return judge_id_conflicts(window, rows, ledger.read_newest_conflicts(connection, CONFLICTS_SHOWN))


def schema_drift(connection: Connection, _settings: Settings) -> Judgement:
    """Whether files of the last day came with a header that was never seen before, or could not be read at all."""
    return judge_schema_drift(read_headers(connection, thresholds.HEADER_WINDOW_SECONDS))


def conservation(connection: Connection, _settings: Settings) -> Judgement:
    """Whether every row that was read is an event, a duplicate or a reject, in the books and in the tables."""
    return judge_conservation(verify(connection, None), 0)


def same_id_other_time(connection: Connection, _settings: Settings) -> Judgement:
    """Whether an event has the id of another one at another time: both are stored. Looked for by the job
    maintenance, among the events that are new since its last look."""
    return judge_reused_ids(read_reused_ids(connection))


Measure = Callable[[Connection, Settings], Judgement]
MEASURES: Mapping[str, Measure] = {
    STREAM_CHECK: stream_alive,
    "freshness": freshness,
    "duplicate_rate": duplicate_rate,
    "reject_rate": reject_rate,
    "latency": latency,
    "id_conflicts": id_conflicts,
    "schema_drift": schema_drift,
    "conservation": conservation,
    "same_id_other_time": same_id_other_time,
}


def _with_button(name: str, measure: Measure) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=EVENTS, name=name, description=measure.__doc__)
    def check(
        database: dg.ResourceParam[Database], settings: dg.ResourceParam[Settings]
    ) -> dg.AssetCheckResult:
        with database.reading() as connection:
            return measure(connection, settings).result()

    return check


event_checks = [_with_button(name, measure) for name, measure in MEASURES.items()]


def evaluate_checks(
    connection: Connection, settings: Settings, instance: dg.DagsterInstance, reports: Reports
) -> list[dg.AssetCheckEvaluation]:
    """Measure everything; return what is new, and note it in `reports`."""
    evaluations = []
    for name, measure in MEASURES.items():
        verdict, reported_at = reports.get(name, ("", 0.0))
        is_due = time.time() - reported_at >= REPORT_EVERY * REPORT_SELDOM.get(name, 1)
        if name == STREAM_CHECK:
            is_awaited = time.monotonic() - _LOADED_AT < FIRST_LOOK
            judgement: Judgement | None = stream_alive(connection, settings, is_awaited=is_awaited)
        elif name == "conservation":
            judgement = audit_new_batches(connection, instance) if is_due else None
        else:
            judgement = measure(connection, settings)
        if judgement is not None and (is_due or judgement.verdict != verdict):
            reports[name] = (judgement.verdict, time.time())
            evaluations.append(judgement.evaluation(name))
    return evaluations


def audit_new_batches(connection: Connection, instance: dg.DagsterInstance) -> Judgement | None:
    """Audit each batch once, after its commit; the last result says how far the audit has come.

    A failed audit is not outlived: its batches are audited again, with the new ones, until they pass. Where they
    are too many for that, it stays failed until the check's button has audited everything.

    Returns:
        None where the last result stands.
    """
    newest = ledger.read_last_batch(connection)
    newest_id = newest.batch_id if newest else 0
    last = _last_audit(instance)
    reachable = _batch_before_rows(connection, AUDIT_ROWS)
    if last is None or last.through_batch > newest_id:  # the first look, or another database
        since = 0
    elif last.passed:
        if last.through_batch == newest_id:
            return None
        since = last.through_batch
    elif last.since_batch < reachable:
        return None
    else:
        since = last.since_batch
    begin = max(since, reachable)
    return judge_conservation(verify_recent(connection, begin), begin, skipped=begin - since)


@dataclass(frozen=True)
class _LastAudit:
    passed: bool
    since_batch: int
    through_batch: int


def _last_audit(instance: dg.DagsterInstance) -> _LastAudit | None:
    """The latest result of the check `conservation`, from a run or from the sensor."""
    record = instance.get_latest_asset_check_evaluation_record(dg.AssetCheckKey(EVENTS, "conservation"))
    event = record.event.dagster_event if record and record.event else None
    if event is None or event.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return None
    data = event.asset_check_evaluation_data
    since, through = data.metadata.get("since_batch"), data.metadata.get("through_batch")
    if not isinstance(since, dg.IntMetadataValue) or not isinstance(through, dg.IntMetadataValue):
        return None
    return _LastAudit(data.passed, since.value or 0, through.value or 0)


def _batch_before_rows(connection: Connection, rows: int) -> int:
    """The newest batch before the last `rows` rows read; 0 if there are no more than those."""
    with connection.cursor() as cursor:
        cursor.execute(query("batch_before_rows"), {"rows": rows})
        (batch_id,) = cursor.fetchone() or (0,)
    return int(batch_id)
