"""The check `matches_events` on every summary, and the job and schedule that run it.

The comparison itself is `summaries.audit`.

It reads whole days of events, so it is a job of its own once a day, not part of the sensor that measures the checks
on `events` all the time. Dagster adds it to every refresh of a summary, too: there it compares as long as the events
are few, and later gives the last comparison's result again, whose description says when that was.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.launches import failing_in_one_sentence
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.summaries.audit import SummaryAudit, audit_summaries
from clickstream_assets.summaries.refresh import NAMES
from clickstream_assets.supervision.run_history import last_evaluation
from clickstream_assets.text import count
from clickstream_assets.thresholds import SUMMARY_DIFFERENCES

CHECK = "matches_events"
REFRESH_AUDIT_EVENTS = 100_000  # with more of them stored, a refresh does not wait for a comparison


def judge_summary(audit: SummaryAudit, compared_at: datetime) -> Judgement:
    """Judged is whether any row differs from what its events say."""
    metadata: dict[str, Any] = {
        "days": [str(day) for day in audit.days],
        "rows_compared": audit.rows,
        "differences": audit.differences,
        "batches_not_taken_in_yet": audit.batches_behind,
    }
    if audit.examples:
        metadata["first_differences"] = [dict(example) for example in audit.examples]
    if audit.is_outdated:
        return Judgement("pass", "Not compared: it is about to be recomputed from sessions.", metadata)
    if not audit.days:
        return Judgement("pass", "There are no events yet.", metadata)
    days = " and ".join(str(day) for day in audit.days)
    description = (
        f"{count(audit.rows)} rows of {days} compared with the events at {compared_at:%Y-%m-%d %H:%M} UTC: "
        f"{count(audit.differences)} differ."
    )
    return Judgement(SUMMARY_DIFFERENCES.verdict(audit.differences), description, metadata)


@dg.multi_asset_check(
    name="summaries_match_events",
    specs=[
        dg.AssetCheckSpec(
            CHECK,
            asset=name,
            description="Recomputes the newest finished day and a random older one (of sessions, a sample) from the "
            "events, and compares exactly. Batches that are not taken in yet are left out.",
        )
        for name in NAMES
    ],
    can_subset=True,
)
def summaries_match_events(
    context: dg.AssetCheckExecutionContext, database: dg.ResourceParam[Connections]
) -> Iterator[dg.AssetCheckResult]:
    chosen = {key.asset_key.to_user_string() for key in context.selected_asset_check_keys}
    names = [name for name in NAMES if name in chosen]
    with failing_in_one_sentence("The summaries were not compared"), database.open("reader") as connection:
        kept = _kept_results(context, names, ledger.read_lifetime_counts(connection).rows_inserted)
        connection.rollback()
        audits = audit_summaries(connection, context.run.run_id, [name for name in names if name not in kept])
    yield from kept.values()
    for audit in audits:
        yield judge_summary(audit, datetime.now(UTC)).result(audit.summary, CHECK)


def _kept_results(
    context: dg.AssetCheckExecutionContext, names: Sequence[str], events: int
) -> dict[str, dg.AssetCheckResult]:
    """The results that are given again instead of a comparison: of a refresh, where there are many events."""
    is_refresh = bool(context.run.asset_selection)
    if not is_refresh or events <= REFRESH_AUDIT_EVENTS:
        return {}
    kept = {}
    for name in names:
        last = last_evaluation(context.instance, dg.AssetCheckKey(dg.AssetKey(name), CHECK))
        if last is not None:
            kept[name] = dg.AssetCheckResult(
                asset_key=name,
                check_name=CHECK,
                passed=last.passed,
                severity=last.severity,
                description=last.description,
                metadata=last.metadata,
            )
    return kept


audit_job = dg.define_asset_job(
    "audit_summaries",
    selection=dg.AssetSelection.checks(summaries_match_events),
    description="Compares a sample of every summary with the events. Runs every night; launch it at any time.",
)
audit_schedule = dg.ScheduleDefinition(
    name="audit_summaries_nightly",
    job=audit_job,
    cron_schedule="30 1 * * *",  # UTC: the day before is finished, and its late files are mostly in
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
