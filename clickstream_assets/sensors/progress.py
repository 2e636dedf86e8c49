"""What the sensor `ingest_progress` reports: new files and batches as materializations, with their numbers.

It reads what is new since a cursor, and reports one event per asset for all of it, so that Dagster's tables do not grow
with the micro-batches.

No batch is lost: ids of batches and files are given in the order of their commits, and the cursor is the last one
that was read. A crash between the events and the cursor repeats them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Annotated, Any

import dagster as dg
from psycopg2.extensions import connection as Connection
from pydantic import Field

from clickstream_assets.assets.catalogue import live_tags
from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.ledger.facts import BatchesSince, Counts, Dropped, FilesSince, Latency
from clickstream_assets.ledger.reads import (
    read_batches_since,
    read_dropped,
    read_files_since,
    read_latency,
    read_lifetime_counts,
)
from clickstream_assets.ledger.source_reads import read_files_since_by_source
from clickstream_assets.sensors.live_assets import Tags
from clickstream_assets.sources.source_assets import source_key
from clickstream_assets.text import rounded

EVENTS, REJECTS = dg.AssetKey("events"), dg.AssetKey("rejected_events")
NO_FILES = FilesSince(0, None, 0, 0, 0, 0, None)
SHORTEST_WINDOW = 60.0  # seconds; fewer files give no percentiles


LedgerId = Annotated[int, Field(ge=0, lt=1 << 63)]
Moment = Annotated[float, Field(ge=0, lt=1e11)]  # seconds since 1970


@dataclass(frozen=True)
class Reported:
    """The cursor: up to where, and when, things were reported."""

    batch_id: LedgerId = 0
    file_id: LedgerId = 0
    at: Moment = 0.0


@dataclass(frozen=True)
class Progress:
    """What is new since a cursor."""

    batches: BatchesSince
    files: FilesSince
    lifetime: Counts
    dropped: Dropped
    latency: Latency
    by_source: Mapping[str, FilesSince] = field(
        default_factory=dict
    )  # of the files; empty where there is one source

    @property
    def is_empty(self) -> bool:
        return not self.batches.batches and not self.files.files

    @property
    def is_of_rows(self) -> bool:
        """Whether any were ever read: before, no asset has to be materialized."""
        return self.lifetime.rows_read > 0

    def reported(self, before: Reported, at: float) -> Reported:
        """The cursor after this was reported."""
        return replace(
            before,
            batch_id=self.batches.last_batch_id or before.batch_id,
            file_id=self.files.last_file_id or before.file_id,
            at=at,
        )


def read_progress(
    connection: Connection, since: Reported, now: float, *, by_source: bool = False
) -> Progress:
    """Read what is new. A cursor beyond the ledger is of another database: everything is new then."""
    window = max(SHORTEST_WINDOW, now - since.at) if since.at else SHORTEST_WINDOW
    batches = read_batches_since(connection, since.batch_id)
    files, after = read_files_since(connection, since.file_id), since.file_id
    no_batch = (
        since.batch_id
        and not batches.batches
        and not read_batches_since(connection, since.batch_id - 1).batches
    )
    no_file = since.file_id and not files.files and not read_files_since(connection, since.file_id - 1).files
    if no_batch or no_file:
        batches, files, after = read_batches_since(connection, 0), read_files_since(connection, 0), 0
    return Progress(
        batches,
        files,
        read_lifetime_counts(connection),
        read_dropped(connection),
        read_latency(connection, window),
        read_files_since_by_source(connection, after) if by_source else {},
    )


def materializations(
    progress: Progress, live: Tags, again: Collection[dg.AssetKey] = ()
) -> list[dg.AssetMaterialization]:
    """At most one event an asset: of those that have something new, and of those in `again`."""
    metadata: dict[dg.AssetKey, dict[str, Any]] = {}
    files = progress.by_source or ({DEFAULT_SOURCE: progress.files} if progress.files.files else {})
    for source, new in files.items():
        metadata[dg.AssetKey(source_key(source))] = _of_files(new)
    if progress.batches.batches or EVENTS in again:
        metadata[EVENTS] = _of_events(progress)
    if progress.batches.batches or REJECTS in again:
        metadata[REJECTS] = _of_rejects(progress)
    for key in again:
        metadata.setdefault(key, _of_files(NO_FILES))
    return [
        dg.AssetMaterialization(key, metadata=told, tags=live.get(key, live_tags()))
        for key, told in metadata.items()
    ]


def _of_files(files: FilesSince) -> dict[str, Any]:
    return {
        "files": files.files,
        "rows": files.rows_expected,
        "size_bytes": files.size_bytes,
        "files_delivered_again": files.duplicate_files,
        "files_unreadable": files.rejected_files,
    }


def _of_events(progress: Progress) -> dict[str, Any]:
    batches, latency = progress.batches, progress.latency
    metadata: dict[str, Any] = {
        "dagster/row_count": progress.lifetime.rows_inserted - progress.dropped.rows,
        "batches": batches.batches,
        "last_batch": str(batches.last_batch_id or 0),
        "rows_read": batches.rows_read,
        "rows_inserted": batches.rows_inserted,
        "rows_duplicate": batches.rows_duplicate,
        "rows_rejected": batches.rows_rejected,
        "duplicate_rate": rounded(batches.duplicate_rate or 0.0),
        "reject_rate": rounded(batches.reject_rate or 0.0),
    }
    if batches.batches:
        metadata["seconds_per_batch"] = rounded(batches.seconds / batches.batches)
    if batches.max_event_time:
        metadata["newest_event"] = dg.MetadataValue.timestamp(batches.max_event_time)
        metadata["lag_seconds"] = rounded((datetime.now(UTC) - batches.max_event_time).total_seconds())
    if (
        latency.p50_seconds is not None
        and latency.p95_seconds is not None
        and latency.p99_seconds is not None
    ):
        metadata["latency_p50_seconds"] = rounded(latency.p50_seconds)
        metadata["latency_p95_seconds"] = rounded(latency.p95_seconds)
        metadata["latency_p99_seconds"] = rounded(latency.p99_seconds)
    return metadata


def _of_rejects(progress: Progress) -> dict[str, Any]:
    return {
        "dagster/row_count": progress.lifetime.rows_rejected,
        "rows_rejected": progress.batches.rows_rejected,
        "reject_rate": rounded(progress.batches.reject_rate or 0.0),
    }
