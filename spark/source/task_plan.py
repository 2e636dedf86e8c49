"""The tasks of a micro-batch, out of the manifest. Light to load, for the driver's process of the source."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from spark.cleaning.time_bounds import TimeBounds
from spark.source.chunks import TaskRead, registered_chunks
from spark.source.micro_batches import group_by_task
from spark.source.options import SourceOptions

Ask = Callable[[str, dict[str, Any]], list[tuple[Any, ...]]]


def tasks_of(ask: Ask, options: SourceOptions, after: int, upto: int) -> list[TaskRead]:
    """The tasks of the micro-batch with the chunks after < seq <= upto.

    Args:
        ask: gives the rows of a named statement with these values.
    """
    rows = ask("chunks.to_read", {"after": after, "upto": upto})
    ((floor, batch_id),) = ask("chunks.next_batch", {"after": after})
    bounds = TimeBounds.at(datetime.now(UTC), options.retention_days, floor)
    chunks = registered_chunks(rows, options.mapping, bounds)
    groups = group_by_task(chunks, whole_files=options.identical_rows == "keep")
    return [TaskRead(index, group, batch_id, after, upto) for index, group in enumerate(groups)]
