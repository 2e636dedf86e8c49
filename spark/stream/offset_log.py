"""Reading Spark's offset log: which chunks a micro-batch holds.

`foreachBatch` is told a batch id only. Spark has written the batch's offsets to `<checkpoint>/offsets/<id>` before
it calls: a version line, a line of metadata, and one line of JSON a source (Spark's OffsetSeqLog). Also here: moving
a damaged checkpoint aside, which is harmless, since the ledger knows what is committed.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from clickstream_assets.errors import StreamError


def read_range(checkpoint: Path, spark_batch_id: int) -> tuple[int, int]:
    """The range (after, upto) of sequence numbers of one micro-batch.

    Raises:
        StreamError: its entry is missing or damaged.
    """
    path = checkpoint / "offsets" / str(spark_batch_id)
    try:
        offset = json.loads(path.read_text(encoding="utf-8").splitlines()[-1])
        return int(offset["after"]), int(offset["seq"])
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise StreamError(f"the offset log entry {path} cannot be read: {error}") from None


def is_usable(checkpoint: Path) -> bool:
    """Whether Spark can go on from `checkpoint`, as far as that can be told by its newest files.

    Spark does not sync what it writes: after a power loss the newest files may be empty, and then it never starts.
    """
    if not (checkpoint / "offsets").is_dir():
        return not checkpoint.exists() or not any(checkpoint.iterdir())
    try:
        json.loads((checkpoint / "metadata").read_text(encoding="utf-8"))
        for log in ("offsets", "commits"):
            if not (newest := newest_entry(checkpoint / log)):
                continue
            lines = newest.read_text(encoding="utf-8").splitlines()
            if not lines or not lines[0].startswith("v") or len(lines) < 2:
                return False
            last = json.loads(lines[-1])
            if log == "offsets" and not (isinstance(last, dict) and last.keys() >= {"after", "seq"}):
                return False  # of another query
    except (OSError, ValueError):
        return False
    offset, commit = newest_entry(checkpoint / "offsets"), newest_entry(checkpoint / "commits")
    # Commits without their offsets: Spark would take an older batch for the newest.
    return commit is None or (offset is not None and int(offset.name) >= int(commit.name))


def newest_entry(log: Path) -> Path | None:
    """The entry of a Spark metadata log with the highest number, if there is any."""
    entries = [path for path in log.iterdir() if path.name.isdigit()] if log.is_dir() else []
    return max(entries, key=lambda path: int(path.name), default=None)


def move_aside(checkpoint: Path) -> Path:
    """Rename a checkpoint so that a new one starts. Returns its new path."""
    target = checkpoint.with_name(f"{checkpoint.name}.damaged-{time.time_ns()}")
    checkpoint.rename(target)
    return target
