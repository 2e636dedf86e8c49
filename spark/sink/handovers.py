"""How the rows of a micro-batch come from Spark's tasks to the commit: by the spool, by upload, or by Spark's JDBC
writer."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import psycopg2
from psycopg2.extensions import connection as Connection
from pyspark.sql import DataFrame

from clickstream_assets.database import connect
from clickstream_assets.sql_files import statement
from spark.handover.parts import Part
from spark.handover.spool import Spool, batch_token
from spark.handover.staging import staging_tables
from spark.sink.books import Batch
from spark.sink.commit import BatchCommit

# Parts in work: one that PostgreSQL stores, one that waits for it, and those that the other cores make.
AHEAD = 1 + max(2, os.cpu_count() or 2)


class PartsHandover(Protocol):
    """The parts of one micro-batch. `run` blocks until all of them are there."""

    @property
    def reports_early(self) -> bool:
        """Whether `reported` finds parts while `run` works."""

    def run(self, rows: DataFrame) -> list[Part]:
        """Run the Spark job; the parts of the attempts that Spark accepted, in order."""

    def reported(self, index: int) -> Part | None:
        """A complete part of the task `index`, if there is one: whether Spark accepts it is not known yet."""

    def pace(self, stored: int | None) -> None:
        """Say how many parts are stored, so that tasks do not run too far ahead; `None`: they shall not wait."""

    def store(self, commit: BatchCommit, part: Part) -> None:
        """Give a part to the commit."""

    def end(self) -> None:
        """Remove what is left of the micro-batch."""


class Handover(Protocol):
    """Makes the handover of each micro-batch."""

    def begin(self, batch: Batch) -> PartsHandover: ...

    def close(self) -> None:
        """End its session, if it has one."""


class SpoolHandover:
    """By a directory that driver and tasks share."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def begin(self, batch: Batch) -> PartsHandover:
        return _SpooledParts(Spool.of_batch(self._root, batch.epoch, batch.after, batch.upto))

    def close(self) -> None:
        """It has none."""


class _SpooledParts:
    reports_early = True

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def run(self, rows: DataFrame) -> list[Part]:
        return accepted_parts(rows)

    def reported(self, index: int) -> Part | None:
        return self._spool.reported(index)

    def pace(self, stored: int | None) -> None:
        self._spool.pace(None if stored is None else stored + AHEAD)

    def store(self, commit: BatchCommit, part: Part) -> None:
        commit.storing.spooled(part, self._spool)

    def end(self) -> None:
        self._spool.remove()


class UploadHandover:
    """By staging tables, which the tasks fill."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Connection | None = None

    def begin(self, batch: Batch) -> PartsHandover:
        if self._connection is None:
            self._connection = connect(self._url, "clickstream-stream-parts", autocommit=True)
        return _UploadedParts(self._connection, batch)

    def close(self) -> None:
        close_quietly(self._connection)


class _UploadedParts:
    reports_early = True

    def __init__(self, connection: Connection, batch: Batch) -> None:
        self._connection = connection
        self._epoch = batch.epoch
        self._token = batch_token(batch.epoch, batch.after, batch.upto)

    def run(self, rows: DataFrame) -> list[Part]:
        return accepted_parts(rows)

    def reported(self, index: int) -> Part | None:
        with self._connection.cursor() as cursor:
            cursor.execute(
                statement("staging.finished_part"), {"batch_token": self._token, "part_index": index}
            )
            row = cursor.fetchone()
        return None if row is None else Part.from_json(row[0])

    def pace(self, stored: int | None) -> None:
        """Tasks elsewhere take nothing away from PostgreSQL."""

    def store(self, commit: BatchCommit, part: Part) -> None:
        commit.storing.staged(part, staging_tables(self._epoch, part.token))

    def end(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(statement("staging.forget_finished_parts"), {"batch_token": self._token})


def close_quietly(connection: Connection | None) -> None:
    """Close a session that may be gone."""
    if connection is not None:
        with suppress(psycopg2.Error):
            connection.close()


def accepted_parts(rows: DataFrame) -> list[Part]:
    """Run the job of a source that hands over parts; those that Spark accepted, in order."""
    return sorted((Part.from_json(row.part) for row in rows.collect()), key=lambda part: part.index)
