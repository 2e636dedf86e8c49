"""What the sensor `event_check_results` reports: the checks on `events`, without a run.

A check is reported where Dagster does not show what is measured: the verdict is another one, it is due, or its last
result does not count any more. Nothing is remembered from tick to tick, so that whatever else changes what Dagster
shows (a button, a run that failed, a wiped asset) is put right by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets.checks import new_batches
from clickstream_assets.checks.event_checks import EVENT_CHECKS
from clickstream_assets.checks.judgement import EVENTS, Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.checks.on_events import conservation
from clickstream_assets.checks.source_checks import evaluate_source_checks
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.run_history import last_evaluation
from clickstream_assets.supervision.shown_checks import ShownCheck, shown_checks, verdict_of

REPORT_EVERY = 60.0  # seconds; a verdict that changes is reported at once
# Of these the sentence hardly changes: it is reported when it does, else seldom. Each report is rows in Dagster's
# storage.
REPORT_SELDOM = {  # times REPORT_EVERY
    "stream_alive": 5,
    "id_conflicts": 5,
    "schema_drift": 5,
    "same_id_other_time": 5,
}
STREAM_AWAITED = 60.0  # seconds from the code server's start within which the supervisor has started a stream

_LOADED_AT = time.monotonic()


def evaluate_checks(
    connection: Connection, settings: Settings, instance: dg.DagsterInstance, loaded: Sequence[str] = ()
) -> list[dg.AssetCheckEvaluation]:
    """Measure everything; return what is to be reported. `loaded`: the sources that have assets with checks."""
    look = Look(connection, settings, is_awaited=time.monotonic() - _LOADED_AT < STREAM_AWAITED)
    shown = shown_checks(instance, [dg.AssetCheckKey(EVENTS, name) for name in EVENT_CHECKS])
    evaluations = (_evaluate(name, look, instance, shown[name]) for name in EVENT_CHECKS)
    found = [evaluation for evaluation in evaluations if evaluation is not None]
    return [*found, *(evaluate_source_checks(look, instance, loaded) if loaded else [])]


def evaluate_away(why: str, instance: dg.DagsterInstance) -> list[dg.AssetCheckEvaluation]:
    """What is to be reported where the database cannot be asked: that nobody knows whether a stream is at work.

    What the other checks measure has not changed; that they are not measured, `checks_reported` shows.
    """
    name = "stream_alive"
    shown = shown_checks(instance, [dg.AssetCheckKey(EVENTS, name)])[name]
    judgement = Judgement("error", f"unknown: {why}.", {"state": "unknown", "reason": why})
    has_changed = (shown.verdict, shown.description) != (judgement.verdict, judgement.description)
    is_due = shown.is_lost or shown.age >= REPORT_EVERY * REPORT_SELDOM[name]
    return [judgement.evaluation(name)] if (has_changed or is_due) and not shown.is_being_measured else []


def _evaluate(
    name: str, look: Look, instance: dg.DagsterInstance, shown: ShownCheck
) -> dg.AssetCheckEvaluation | None:
    if shown.is_being_measured:
        return None
    seldom = REPORT_SELDOM.get(name, 1)
    is_due = shown.is_lost or shown.age >= REPORT_EVERY * seldom
    if name == "conservation":  # measured when due alone: it reads the tables
        return _conservation(look, instance, is_lost=shown.is_lost) if is_due else None
    check = EVENT_CHECKS[name]
    judgement: Judgement = check.judge(check.read(look))
    has_changed = judgement.verdict != shown.verdict or (
        seldom > 1 and judgement.description != shown.description
    )
    return judgement.evaluation(name) if is_due or has_changed else None


def _conservation(
    look: Look, instance: dg.DagsterInstance, *, is_lost: bool
) -> dg.AssetCheckEvaluation | None:
    """Of the new batches: the whole of it, which the button looks at, takes minutes."""
    audited = new_batches.audit_new_batches(look.connection, instance)
    if audited is not None:
        return conservation.judge(audited).evaluation("conservation")
    last = last_evaluation(instance, dg.AssetCheckKey(EVENTS, "conservation")) if is_lost else None
    if last is None:
        return None
    kept = Judgement(verdict_of(last), last.description or "", last.metadata)
    return kept.evaluation("conservation")
