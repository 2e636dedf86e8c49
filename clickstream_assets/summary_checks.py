"""The check `matches_events` on every summary, and the job and schedule that run it.

Belongs here: the verdict, and what Dagster knows of it. Does not belong here: the comparison (`summary_audit`).

It reads whole days of events, so it is a job of its own once a day, not part of the sensor that measures the checks
on `events` all the time.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from clickstream_assets.check_judgements import Judgement
from clickstream_assets.resources import Database
from clickstream_assets.summaries import NAMES
from clickstream_assets.summary_audit import SummaryAudit, audit_summaries
from clickstream_assets.thresholds import SUMMARY_DIFFERENCES
from clickstream_assets.units import count

CHECK = "matches_events"


def judge_summary(audit: SummaryAudit) -> Judgement:
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
        f"{count(audit.rows)} rows of {days} compared with the events: {count(audit.differences)} differ."
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
    context: dg.AssetCheckExecutionContext, database: dg.ResourceParam[Database]
) -> Iterator[dg.AssetCheckResult]:
    chosen = {key.asset_key.to_user_string() for key in context.selected_asset_check_keys}
    names = [name for name in NAMES if name in chosen]
    with database.reading() as connection:
        audits = audit_summaries(connection, context.run.run_id, names)
    for audit in audits:
        result = judge_summary(audit).result()
        yield dg.AssetCheckResult(
            asset_key=audit.summary,
            check_name=CHECK,
            passed=result.passed,
            severity=result.severity,
            description=result.description,
            metadata=result.metadata,
        )


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
