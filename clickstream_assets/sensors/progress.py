"""What the sensor `ingest_progress` reports: new files and batches as materializations, with their numbers.

It reads what is new since a cursor, and reports one event per asset for all of it, so that Dagster's tables do not grow
with the micro-batches.

No batch is lost: ids of batches and files are given in the order of their commits, and the cursor is the last one
that was read. A crash between the events and the cursor repeats them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from psycopg2.extensions import connection as Connection

from clickstream_assets.assets.catalogue import live_tags
from clickstream_assets.assets.event_files import event_files
from clickstream_assets.assets.events import events_and_rejects
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
from clickstream_assets.sources.source_assets import source_key
from clickstream_assets.text import rounded

SHORTEST_WINDOW = 60.0  # seconds; fewer files give no percentiles


@dataclass(frozen=True)
class Reported:
    """The cursor: up to where, and when, things were reported."""

    batch_id: int = 0
    file_id: int = 0
    at: float = 0.0  # seconds since 1970


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
    if (
        not batches.batches
        and since.batch_id
        and not read_batches_since(connection, since.batch_id - 1).batches
    ):
        batches, files, after = read_batches_since(connection, 0), read_files_since(connection, 0), 0
    return Progress(
        batches,
        files,
        read_lifetime_counts(connection),
        read_dropped(connection),
        read_latency(connection, window),
        read_files_since_by_source(connection, after) if by_source else {},
    )


def materializations(progress: Progress) -> list[dg.AssetMaterialization]:
    """At most one event an asset; none for an asset that has nothing new."""
    events = []
    files = progress.by_source or ({DEFAULT_SOURCE: progress.files} if progress.files.files else {})
    for source, new in files.items():
        key, metadata = dg.AssetKey(source_key(source)), _of_files(new)
        tags = live_tags(event_files, "event_files")
        events.append(dg.AssetMaterialization(key, metadata=metadata, tags=tags))
    if progress.batches.batches:
        events.append(_report(events_and_rejects, "events", _of_events(progress)))
        events.append(_report(events_and_rejects, "rejected_events", _of_rejects(progress)))
    return events


def _report(of: dg.AssetsDefinition, key: str, metadata: dict[str, Any]) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(key, metadata=metadata, tags=live_tags(of, key))


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
        "seconds_per_batch": rounded(batches.seconds / batches.batches),
    }
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
