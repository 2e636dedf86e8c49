"""The check `conservation`: every row that was read is an event, a duplicate or a reject."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from clickstream_assets.checks.judgement import EXAMPLES_SHOWN, Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.conservation.audit import verify
from clickstream_assets.conservation.outcome import Audit
from clickstream_assets.text import count


@dataclass(frozen=True)
class Facts:
    """An audit of the batches after `since_batch`."""

    audit: Audit
    since_batch: int = 0
    skipped: int = 0  # batches before it that were too many to be audited here


def read(look: Look) -> Facts:
    """Whether every row that was read is an event, a duplicate or a reject, in the books and in the tables."""
    return Facts(verify(look.connection, None))


def judge(facts: Facts) -> Judgement:
    """Judged is whether rows read = inserted + duplicate + rejected, in the books and in the tables."""
    audit = facts.audit
    metadata: dict[str, Any] = {
        "since_batch": facts.since_batch,
        "through_batch": facts.since_batch + audit.batches,
        "batches": audit.batches,
        "batches_skipped": facts.skipped,
        "files": audit.files,
        "rows_read": audit.counts.rows_read,
        "rows_inserted": audit.counts.rows_inserted,
        "rows_duplicate": audit.counts.rows_duplicate,
        "rows_rejected": audit.counts.rows_rejected,
        "rows_dropped": audit.rows_dropped,
        "offences": audit.offence_count,
        "seconds": float(audit.seconds),
    }
    if audit.ok:
        what = f"{count(audit.counts.rows_read)} rows in {count(audit.batches)} batches"
        if audit.rows_dropped:
            what += f", {count(audit.rows_dropped)} of them dropped by retention since"
        gap = (
            f" {count(facts.skipped)} batches before them were too many for this check."
            if facts.skipped
            else ""
        )
        return Judgement("pass", f"{what}, and every row is accounted for.{gap}", metadata)
    messages = [offence.message for offence in audit.offences[:EXAMPLES_SHOWN]]
    metadata["first_offences"] = messages
    return Judgement("error", f"{count(audit.offence_count)} offences, the first: {messages[0]}.", metadata)
