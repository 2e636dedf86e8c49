"""The status for a program.

Keys of `clickstream status --json`; later versions add, they do not rename. Times are ISO 8601 in UTC, `*_seconds`
are seconds, rates are shares from 0 to 1, null means that there is no such thing yet:

- `taken_at`, `events_dir`, `events_dir_away` (why it is empty: its file system is not mounted, a sentence),
  `archive_problem` (why finished files cannot be archived now, a sentence), `read_only` (why the stream can write
  nothing, a sentence)
- `database_error`: why the database cannot be reached, a sentence; most other keys are null then
- `stream`: `state` (starting, running, idle, behind, waiting, stuck, dead, crash-looping, stopped), `reason`, `since`,
  and of the lease `wanted`, `wanted_at`, `lock_held`, `mode`, `epoch`, `pid`, `host`, `dagster_run_id`,
  `spark_ui_url`, `started_at`, `heartbeat_at`, `last_progress_at`, `released_at`, `failures`, `next_attempt_at`,
  `launched_at`, `supervised_at`, `last_reason`, and `unsupervised` (that nobody watches over it, a sentence)
- `waiting`: `files`, `size_bytes`, `registered`, `oldest_landed_at`, `oldest_age_seconds`, `oldest_paths`,
  `vanished`, `vanished_paths`, `unlistable`, `files_on_disk`, `ignored` (by their names), `ignored_paths`,
  `unterminated_paths` (of the oldest: those that wait for the end of their last line), `not_looked_at` (whose size
  and age are not known yet), `look_seconds`, `set_aside` (that cannot be read at present, while the rest goes on),
  `set_aside_paths`
- `last_batch`: the columns of `ingest_batches`, and `seconds`, `age_seconds`
- `totals`: `rows_read`, `rows_inserted`, `rows_duplicate`, `rows_rejected`, `duplicate_rate`, `reject_rate`
- `retention`: `rows_dropped` (of those inserted), `partitions_dropped`, `events_from` (older ones are gone)
- `window`: the same of the last `window_seconds`, and `batches`, `rows_conflict`, `duplicate_files`,
  `rows_per_second`, `rejects_by_reason`
- `latency`: `files`, `p50_seconds`, `p95_seconds`, `p99_seconds`, `max_seconds` (landed to visible, same window;
  files that waited for the first start of the first stream left out, as the check `latency` does)
- `newest_event_time`, `newest_event_age_seconds`
- `sources`: one entry a source, empty where there is only the events directory (`source_status`), and
  `sources_fault` (why a newer version of the sources' file is not in force, a sentence)
- `dagster`: `complaints` (sensors and schedules that are off or fail, a daemon that is not heard of: sentences),
  `daemon_heartbeat_at`; null where Dagster's database cannot be read
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from clickstream_assets.ledger import reads as ledger
from clickstream_assets.monitoring.source_status import sources_json
from clickstream_assets.monitoring.status import Status, state_since


def status_json(status: Status) -> dict[str, Any]:
    """The content of `--json`; see the module's docstring. Moments are still `datetime`."""
    lease = asdict(status.lease)
    now = lease.pop("now")
    del lease["lock_backend_pid"]
    batch = status.last_batch
    return {
        "taken_at": now,
        "events_dir": str(status.events_dir),
        "events_dir_away": status.away,
        "archive_problem": status.archive,
        "database_error": None,
        "read_only": status.read_only,
        "stream": {
            "state": str(status.decision.state),
            "reason": status.decision.reason,
            "unsupervised": status.decision.unsupervised,
            "since": state_since(status),
            "lock_held": status.lease.lock_held,
            **lease,
        },
        "waiting": asdict(status.waiting),
        "last_batch": asdict(batch) | {"age_seconds": status.age(batch.committed_at)} if batch else None,
        "totals": asdict(status.totals) | _rates(status.totals),
        "retention": {
            "rows_dropped": status.dropped.rows,
            "partitions_dropped": status.dropped.partitions,
            "events_from": status.dropped.events_from,
        },
        "window": asdict(status.window)
        | _rates(status.window)
        | {"rows_per_second": status.window.rows_per_second, "rejects_by_reason": status.rejects_by_reason},
        "latency": asdict(status.latency),
        "sources": sources_json(status.sources),
        "sources_fault": status.sources.fault,
        "newest_event_time": status.newest_event_time,
        "newest_event_age_seconds": status.age(status.newest_event_time),
        "dagster": {
            "complaints": list(status.dagster.complaints),
            "daemon_heartbeat_at": status.dagster.daemon_at,
        }
        if status.dagster
        else None,
    }


def _rates(counts: ledger.Counts) -> dict[str, float | None]:
    return {"duplicate_rate": counts.duplicate_rate, "reject_rate": counts.reject_rate}
