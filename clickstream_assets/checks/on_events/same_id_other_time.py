"""The check `same_id_other_time`: what the looks of the job `maintenance` have found."""

from __future__ import annotations

from typing import Any

import dagster as dg

from clickstream_assets.checks.judgement import Judgement
from clickstream_assets.checks.look import Look
from clickstream_assets.maintenance.reused_ids import RECENT_DAYS, ReusedIdsState, read_reused_ids
from clickstream_assets.text import count


def read(look: Look) -> ReusedIdsState:
    """Whether an event has the id of another one at another time: both are stored. Looked for by the job
    maintenance, among the events that are new since its last look."""
    return read_reused_ids(look.connection)


def judge(state: ReusedIdsState) -> Judgement:
    """Judged are the last days: a producer that reuses ids, or changes times."""
    metadata: dict[str, Any] = {
        "found_recently": state.recent,
        "recent_days": RECENT_DAYS,
        "found_in_all": state.reused,
        "through_batch": state.through_batch_id,
        "batches_not_looked_at": state.newest_batch_id - state.through_batch_id,
        "examples": list(state.examples),
    }
    if state.looked_at is None:
        return Judgement("pass", "Not looked for yet: the job maintenance does it, every night.", metadata)
    metadata["looked_at"] = dg.MetadataValue.timestamp(state.looked_at)
    if not state.recent:
        return Judgement(
            "pass", f"No id at two times, up to batch {count(state.through_batch_id)}.", metadata
        )
    description = (
        f"{count(state.recent)} events have the id of an earlier one at another time (found in the last "
        f"{RECENT_DAYS} days; table reused_event_ids)."
    )
    return Judgement("warn", description, metadata)
