"""The audit of the summaries: a sample of each recomputed from the events, and compared exactly.

It chooses the days and runs the comparison in one snapshot. The verdict is in `checks.matches_events`.

Why it may be exact while the stream and the refreshes go on
- A refresh writes a summary's rows and its record (`summary_state`) in one transaction. In one snapshot the table
  holds exactly the batches up to its record, so the events of later batches are left out.
- `conversion_funnel` and `device_usage` follow `sessions`: what `session_changes` still holds for them is added.
  While they wait to be recomputed from a rebuilt `sessions`, they are not compared.
- Days before the oldest partition of `events` are left out: what they were made from was dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from psycopg2.extensions import connection as Connection

from clickstream_assets.ledger.reads import snapshot
from clickstream_assets.sql_files import statement
from clickstream_assets.summaries.catalogue import FOLLOWERS, NAMES, SUMMARIES

SESSIONS_SAMPLED = 1_000  # a day; each leads to a look at all its events
EXAMPLES = 5


@dataclass(frozen=True)
class SummaryAudit:
    """How one summary compares with the events."""

    summary: str
    days: tuple[date, ...]  # looked at; none where there is nothing yet
    rows: int  # compared
    differences: int
    examples: tuple[Mapping[str, Any], ...]  # key, stored, expected; null where there is no such row
    batches_behind: int  # committed, and not taken in yet
    is_outdated: bool  # waits to be recomputed from sessions: not compared


def audit_summaries(
    connection: Connection, seed: str, summaries: Sequence[str] = NAMES
) -> list[SummaryAudit]:
    """Compare `summaries` on the newest finished day and on an older one that `seed` chooses. Reads only.

    No transaction may be open on the connection.
    """
    with snapshot(connection), connection.cursor() as cursor:
        cursor.execute(statement("summaries.floor_of_events"))
        ((floor,),) = cursor.fetchall()
        cursor.execute(statement("summaries.audit_days"), {"floor": floor, "seed": seed})
        days = tuple(day for (day,) in cursor.fetchall())
        cursor.execute(statement("summaries.audit_states"), {"followers": list(FOLLOWERS)})
        states = {name: rest for name, *rest in cursor.fetchall()}
        audits = []
        for name in summaries:
            through, behind, is_outdated = states[name]
            rows, differences, examples = 0, 0, []
            for day in () if is_outdated else days:
                parameters = {
                    "day": day,
                    "start": f"{day} 00:00:00+00",
                    "stop": f"{day + timedelta(days=1)} 00:00:00+00",
                    "floor": floor,
                    "through": through,
                    "seed": seed,
                    "sample": SESSIONS_SAMPLED,
                    "examples": EXAMPLES,
                }
                cursor.execute(statement(SUMMARIES[name].audit), parameters)
                ((compared, wrong, found),) = cursor.fetchall()
                rows, differences = rows + compared, differences + wrong
                examples += [{"day": str(day), **example} for example in found]
            audits.append(
                SummaryAudit(
                    name, days, rows, differences, tuple(examples[:EXAMPLES]), behind, bool(is_outdated)
                )
            )
    return audits
