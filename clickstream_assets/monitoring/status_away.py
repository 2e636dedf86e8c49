"""The status of the pipeline where its database cannot be asked: what the home and the disk still tell, for a person,
for a program and as one line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clickstream_assets.file_names import EventsDirectory
from clickstream_assets.ledger.disk_view import Listing, list_event_files
from clickstream_assets.outages.mounts import why_away
from clickstream_assets.outages.stream_waits import StreamWaits, read_waits
from clickstream_assets.text import count, printable, size

NOT_KNOWN = (
    "last_batch",
    "totals",
    "retention",
    "window",
    "latency",
    "sources",
    "sources_fault",
    "newest_event_time",
    "newest_event_age_seconds",
    "dagster",
    "read_only",
    "archive_problem",
)
NOBODY_WAITS = "no stream of this home says that it waits for it: none runs, or it still reaches it"


@dataclass(frozen=True)
class StatusAway:
    """What is known at `taken_at` (our clock). `error` is a sentence."""

    taken_at: datetime
    error: str
    events_dir: Path
    waits: StreamWaits | None
    listing: Listing
    away: str | None = None  # why the events directory is empty


def read_status_away(error: str, home: Path, events: EventsDirectory) -> StatusAway:
    return StatusAway(
        datetime.now(UTC),
        error,
        events.path,
        read_waits(home),
        list_event_files(events),
        why_away(home, events.path),
    )


def status_away_text(status: StatusAway) -> str:
    """What a person reads; the error itself is left to who ends by it."""
    waits, listing = status.waits, status.listing
    rows = [("Stream", "waiting" if waits else "unknown")]
    rows += [("", waits.sentence), ("", waits.who)] if waits else [("", NOBODY_WAITS)]
    if waits and waits.dagster_run_id:
        rows.append(("Dagster run", waits.dagster_run_id))
    where = f"(in {printable(str(status.events_dir))})"
    if "." in listing.unlistable:
        rows.append(("On disk", f"this directory is not there, or cannot be listed {where}"))
    else:
        bytes_on_disk = size(sum(file.size_bytes for file in listing.files))
        rows.append(
            ("On disk", f"{count(len(listing.files))} files, {bytes_on_disk}, stored or waiting {where}")
        )
    if status.away:
        rows.append(("", f"! {printable(status.away)}"))
    return "\n".join(f"{name:<14}{text}".rstrip() for name, text in rows)


def status_away_json(status: StatusAway) -> dict[str, Any]:
    """The keys of `status_json`; what only the database knows is null."""
    waits = status.waits
    stream = dict.fromkeys(("pid", "host", "dagster_run_id"))
    if waits:
        stream = {key: asdict(waits)[key] for key in stream}
    return {
        "taken_at": status.taken_at,
        "events_dir": str(status.events_dir),
        "events_dir_away": status.away,
        "database_error": status.error,
        "stream": {
            "state": "waiting" if waits else "unknown",
            "reason": waits.sentence if waits else NOBODY_WAITS,
            "since": waits.since_moment if waits else None,
            **stream,
        },
        "waiting": {
            "files": None,
            "files_on_disk": len(status.listing.files),
            "unlistable": list(status.listing.unlistable),
        },
        **dict.fromkeys(NOT_KNOWN),
    }


def status_away_line(status: StatusAway) -> str:
    """One line, for `clickstream up`."""
    stream = f"the stream {status.waits.sentence}" if status.waits else NOBODY_WAITS
    return f"{status.error.rstrip('.')} · {stream} · {count(len(status.listing.files))} files on disk"
