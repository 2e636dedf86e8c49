"""The audit of `conservation` as the sensor makes it: each batch once, after its commit.

Where the audit has come to is said by its last result, so that nothing else need be kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets.checks.judgement import EVENTS
from clickstream_assets.checks.on_events.conservation import Facts
from clickstream_assets.conservation.audit import verify_recent
from clickstream_assets.ledger import reads as ledger
from clickstream_assets.sql_files import statement
from clickstream_assets.supervision.run_history import last_evaluation

AUDIT_ROWS = 2_000_000  # at most in one look of the sensor: a few seconds


@dataclass(frozen=True)
class _LastAudit:
    passed: bool
    since_batch: int
    through_batch: int


def audit_new_batches(connection: Connection, instance: dg.DagsterInstance) -> Facts | None:
    """Audit what is new.

    A failed audit is not outlived: its batches are audited again, with the new ones, until they pass. Where they
    are too many for that, it stays failed until the check's button has audited everything.

    Returns:
        None where the last result stands.
    """
    newest = ledger.read_last_batch(connection)
    newest_id = newest.batch_id if newest else 0
    last = _last_audit(instance)
    reachable = _batch_before_rows(connection, AUDIT_ROWS)
    if last is None or last.through_batch > newest_id:  # the first evaluation, or another database
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
    return Facts(verify_recent(connection, begin), begin, skipped=begin - since)


def _last_audit(instance: dg.DagsterInstance) -> _LastAudit | None:
    """The last result of the check, from a run or from the sensor."""
    last = last_evaluation(instance, dg.AssetCheckKey(EVENTS, "conservation"))
    if last is None:
        return None
    since, through = last.metadata.get("since_batch"), last.metadata.get("through_batch")
    if not isinstance(since, dg.IntMetadataValue) or not isinstance(through, dg.IntMetadataValue):
        return None
    return _LastAudit(last.passed, since.value or 0, through.value or 0)


def _batch_before_rows(connection: Connection, rows: int) -> int:
    """The newest batch before the last `rows` rows read; 0 if there are no more than those."""
    with connection.cursor() as cursor:
        cursor.execute(statement("checks.batch_before_rows"), {"rows": rows})
        (batch_id,) = cursor.fetchone() or (0,)
    return int(batch_id)
