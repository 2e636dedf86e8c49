"""The assets `events` and `rejected_events`: the two tables that the stream fills, in one transaction a batch.

Belongs here: the catch-up button, descriptions of the columns, metadata. Does not belong here: how the catching up
is done (`catch_up`), and reporting what the stream commits meanwhile (`sensors`).
"""

from collections.abc import Iterator

import dagster as dg
from pydantic import Field

from clickstream_assets.assets.previews import preview
from clickstream_assets.ledger.reads import (
    BatchesSince,
    read_batches_since,
    read_dropped,
    read_last_batch,
    read_lifetime_counts,
)
from clickstream_assets.resources import Database
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.catch_up import CatchUpTimeout, catch_up
from clickstream_assets.supervision.run import StreamProgram, StreamProgramFailed

EVENTS_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("id", "bigint", "Number of the row, growing."),
        dg.TableColumn(
            "event_id", "uuid", "Identity of the event; made from its values where the file has none."
        ),
        dg.TableColumn("user_id", "text", "The visitor."),
        dg.TableColumn("session_id", "text", "The visit."),
        dg.TableColumn("action_type", "text", "view, add_to_cart, remove_from_cart or purchase."),
        dg.TableColumn("product_id", "text", "The product."),
        dg.TableColumn("event_time", "timestamptz", "When it happened. Partition key."),
        dg.TableColumn("price", "numeric", "Price, where the producer gives one."),
        dg.TableColumn("user_agent", "text", "The browser, as it named itself."),
        dg.TableColumn("extra", "jsonb", "Columns of the file that are not ours."),
        dg.TableColumn("batch_id", "bigint", "The micro-batch that stored it (ingest_batches)."),
        dg.TableColumn("file_id", "bigint", "The file that it came in (ingest_files)."),
        dg.TableColumn("line_no", "bigint", "Its line there; the header is line 1."),
        dg.TableColumn("ingested_at", "timestamptz", "When it was stored."),
    ]
)
REJECTS_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("reject_id", "bigint", "Number of the row, growing."),
        dg.TableColumn("file_id", "bigint", "The file that it came in (ingest_files)."),
        dg.TableColumn("line_no", "bigint", "Its line there; the header is line 1."),
        dg.TableColumn("byte_offset", "bigint", "Where the record begins in the (decompressed) file."),
        dg.TableColumn("byte_length", "bigint", "Its length."),
        dg.TableColumn("raw", "bytea", "The record as it was, its first 64 KiB."),
        dg.TableColumn("reason", "text", "Why it was rejected: a short stable code."),
        dg.TableColumn("detail", "text", "More about it."),
        dg.TableColumn("batch_id", "bigint", "The micro-batch that rejected it (ingest_batches)."),
        dg.TableColumn("rejected_at", "timestamptz", "When."),
        dg.TableColumn("replayed_at", "timestamptz", "When it was sent back in, repaired."),
    ]
)


class CatchUp(dg.Config):
    """How long to wait."""

    timeout_seconds: float = Field(
        default=3600.0, description="Give up after so many seconds if files are still waiting."
    )


@dg.multi_asset(
    name="catch_up",
    specs=[
        dg.AssetSpec(
            "events",
            deps=["event_files"],
            group_name="ingestion",
            kinds={"spark", "postgres"},
            owners=["team:clickstream"],
            metadata={"dagster/column_schema": EVENTS_SCHEMA, "dagster/table_name": "public.events"},
            description="Every event exactly once, clean and typed. The stream (job spark_stream) fills it all the "
            "time. Materializing catches up: it ends when every file that is on disk now is in, through the "
            "stream if one runs, else by itself.",
        ),
        dg.AssetSpec(
            "rejected_events",
            deps=["event_files"],
            group_name="ingestion",
            kinds={"spark", "postgres"},
            owners=["team:clickstream"],
            metadata={
                "dagster/column_schema": REJECTS_SCHEMA,
                "dagster/table_name": "public.rejected_events",
            },
            description="Rows that could not be read as events, each with its original text and the reason. "
            "Stored in the same transactions as events, and caught up together with them.",
        ),
    ],
)
def events_and_rejects(
    context: dg.AssetExecutionContext,
    config: CatchUp,
    database: dg.ResourceParam[Database],
    settings: dg.ResourceParam[Settings],
    program: dg.ResourceParam[StreamProgram],
) -> Iterator[dg.MaterializeResult]:
    with database.reading() as connection:
        last = read_last_batch(connection)
        try:
            files = catch_up(context, connection, settings, program, config.timeout_seconds)
        except (CatchUpTimeout, StreamProgramFailed) as failure:
            raise dg.Failure(f"Catching up failed: {failure}", allow_retries=False) from None
        batches = read_batches_since(connection, last.batch_id if last else 0)
        totals = read_lifetime_counts(connection)
        yield dg.MaterializeResult(
            "events",
            metadata={
                "dagster/row_count": totals.rows_inserted - read_dropped(connection).rows,
                "files_caught_up": files,
                **_counts(batches),
                "preview": preview(connection, "preview_events"),
            },
        )
        yield dg.MaterializeResult(
            "rejected_events",
            metadata={
                "dagster/row_count": totals.rows_rejected,
                "rows_rejected": batches.rows_rejected,
                "reject_rate": float(batches.reject_rate or 0.0),
                "preview": preview(connection, "preview_rejects"),
            },
        )


def _counts(batches: BatchesSince) -> dict[str, int | float]:
    return {
        "batches": batches.batches,
        "rows_read": batches.rows_read,
        "rows_inserted": batches.rows_inserted,
        "rows_duplicate": batches.rows_duplicate,
        "rows_rejected": batches.rows_rejected,
        "duplicate_rate": float(batches.duplicate_rate or 0.0),
        "reject_rate": float(batches.reject_rate or 0.0),
    }
