"""The assets `events` and `rejected_events`: the two tables that the stream fills, in one transaction a batch.

Their button catches up (`supervision.catch_up`). What the stream commits meanwhile is reported by the sensors.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from clickstream_assets.assets.catalogue import FILLED_BY, LIVE, code_links, code_version, table_metadata
from clickstream_assets.assets.previews import preview
from clickstream_assets.errors import SettingsError
from clickstream_assets.launches import LaunchConfig, failing_in_one_sentence
from clickstream_assets.ledger.facts import BatchesSince
from clickstream_assets.ledger.reads import (
    read_batches_since,
    read_dropped,
    read_last_batch,
    read_lifetime_counts,
)
from clickstream_assets.lineage.tables import table_comment
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.catch_up import catch_up
from clickstream_assets.supervision.run import StreamProgram
from clickstream_assets.supervision.runs import CATCH_UP_POOL
from clickstream_assets.text import rounded

CLEANING = ("spark/reading/*.py", "spark/cleaning/*.py")  # what becomes of a record
LINKS = ("spark/spark_streaming_to_postgres.py", "spark/cleaning/clean.py", "spark/cleaning/rules.py")


class CatchUp(LaunchConfig):
    """How long to wait."""

    timeout_seconds: float = Field(
        default=3600.0, description="Give up after so many seconds if files are still waiting."
    )

    def check(self) -> None:
        """Raises SettingsError where the time cannot be used."""
        super().check()
        if not self.timeout_seconds >= 0:  # nor where it is no number
            raise SettingsError(f"timeout_seconds is {self.timeout_seconds:g}: give seconds, 0 or more.")


@dg.multi_asset(
    name="catch_up",
    # One by itself is asked for, too. They are caught up together all the same.
    can_subset=True,
    # Of one (dagster.yaml): those that wait for the stream would else take the places of the refreshes.
    pool=CATCH_UP_POOL,
    specs=[
        dg.AssetSpec(
            "events",
            deps=["event_files"],
            group_name="ingestion",
            kinds={"spark", "postgres"},
            owners=["team:clickstream"],
            tags={FILLED_BY: "stream"},
            code_version=code_version(*CLEANING),
            metadata={**table_metadata("events"), **code_links(*LINKS)},
            description=f"{table_comment('events')} The stream (job spark_stream) fills it all the "
            "time. Materializing catches up: it ends when every file that is on disk now is in, through the "
            "stream if one runs, else by itself.",
        ),
        dg.AssetSpec(
            "rejected_events",
            deps=["event_files"],
            group_name="ingestion",
            kinds={"spark", "postgres"},
            owners=["team:clickstream"],
            tags={FILLED_BY: "stream"},
            code_version=code_version(*CLEANING),
            metadata={**table_metadata("rejected_events"), **code_links(*LINKS)},
            description=f"{table_comment('rejected_events')} Stored in the same transactions as events, and "
            "caught up together with them.",
        ),
    ],
)
def events_and_rejects(
    context: dg.AssetExecutionContext,
    config: CatchUp,
    database: dg.ResourceParam[Connections],
    settings: dg.ResourceParam[Settings],
    program: dg.ResourceParam[StreamProgram],
) -> Iterator[dg.MaterializeResult]:
    with failing_in_one_sentence("Catching up failed"), database.open("reader") as connection:
        config.check()
        last = read_last_batch(connection)
        files = catch_up(context, connection, settings, program, config.timeout_seconds)
        batches = read_batches_since(connection, last.batch_id if last else 0)
        totals = read_lifetime_counts(connection)
        metadata: dict[str, dict[str, Any]] = {
            "events": {
                "dagster/row_count": totals.rows_inserted - read_dropped(connection).rows,
                "files_caught_up": files,
                **_counts(batches),
                "preview": preview(connection, "previews.events"),
            },
            "rejected_events": {
                "dagster/row_count": totals.rows_rejected,
                "rows_rejected": batches.rows_rejected,
                "reject_rate": rounded(batches.reject_rate or 0.0),
                "preview": preview(connection, "previews.rejects"),
            },
        }
    for key in sorted(context.selected_asset_keys):
        yield dg.MaterializeResult(key, metadata=metadata[key.to_user_string()], data_version=LIVE)


def _counts(batches: BatchesSince) -> dict[str, int | float]:
    return {
        "batches": batches.batches,
        "rows_read": batches.rows_read,
        "rows_inserted": batches.rows_inserted,
        "rows_duplicate": batches.rows_duplicate,
        "rows_rejected": batches.rows_rejected,
        "duplicate_rate": rounded(batches.duplicate_rate or 0.0),
        "reject_rate": rounded(batches.reject_rate or 0.0),
    }
