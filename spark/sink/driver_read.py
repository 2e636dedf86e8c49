"""Small micro-batches are read in the driver, by the work of a task: a Spark job takes longer than their rows.

Of a file of some hundred rows a task's own work takes 9 ms, and Spark's job around it 40 more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement
from spark.handover.parts import Part
from spark.sink.books import Batch
from spark.sink.handovers import PartsHandover, SpoolHandover
from spark.source.chunks import TaskRead
from spark.source.options import SourceOptions
from spark.source.task import read_task
from spark.source.task_plan import tasks_of

# One process reads them about as soon as a job on two cores would.
MOST_ROWS = 5_000
MOST_BYTES = 2 * 1024 * 1024
MOST_CHUNKS = 50


class DriverRead:
    """Reads small micro-batches into a spool, as tasks do with these options."""

    def __init__(self, options: SourceOptions, spool: Path) -> None:
        self._options = options
        self._handover = SpoolHandover(spool)

    def handed_over(self, batch: Batch) -> PartsHandover:
        """The way from the spool to the commit."""
        return self._handover.begin(batch)

    def parts(self, batch: Batch, connection: Connection) -> list[Part] | None:
        """The parts of a micro-batch; None: it is work for Spark's tasks.

        Args:
            connection: that commits by itself.

        Raises:
            Outage: the database or the directory is away.
        """
        if len(batch.chunks) > MOST_CHUNKS or sum(chunk.records for chunk in batch.chunks) > MOST_ROWS:
            return None

        def ask(name: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(statement(name), values)
                return cursor.fetchall()

        tasks = tasks_of(ask, self._options, batch.after, batch.upto)
        if len(tasks) != 1 or not is_light(tasks[0], counts_rows=self._options.identical_rows == "keep"):
            return None
        return [
            Part.from_json(part)
            for rows in read_task(tasks[0], self._options)
            for part in rows["part"].to_pylist()
        ]


def is_light(task: TaskRead, *, counts_rows: bool) -> bool:
    """Whether what it reads is little, in memory, too: ten kilobytes of Parquet may be a gigabyte of values.

    `counts_rows`: identical rows are numbered, and of the end of a file all that is before it may have to be counted.
    """
    if any(chunk.layout.format == "parquet" for chunk in task.chunks):
        return False
    if counts_rows and any(chunk.byte_offset > chunk.records_from for chunk in task.chunks):
        return False
    return sum(chunk.byte_length for chunk in task.chunks) <= MOST_BYTES
