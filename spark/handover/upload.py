"""Handing rows over without a directory that driver and tasks share: each task copies its own into staging tables.

The tables are of one attempt of one task, and committed by it; whether they count is decided by the driver. A report in
`staging.finished_parts` lets the driver store a part while Spark still works on the others.
"""

from __future__ import annotations

import os

from psycopg2.extensions import cursor as Cursor

from clickstream_assets.contract import STREAM_URL_VARIABLE
from clickstream_assets.database import connect
from clickstream_assets.sql_files import statement
from spark.cleaning.cleaned import Cleaned
from spark.cleaning.columns import EVENT_COLUMNS, REJECT_COLUMNS
from spark.handover.copy import copy_rows
from spark.handover.encoding import encoded_events, encoded_rejects
from spark.handover.parts import Part
from spark.handover.staging import create_tables, staging_tables


class UploadPartWriter:
    """Copies the rows of one part into staging tables of its own."""

    def __init__(self, epoch: int, batch_token: str, part: Part, batch_id: int) -> None:
        self.part = part
        self._batch_id = batch_id
        self._batch_token = batch_token
        self._tables = staging_tables(epoch, part.token)
        self._connection = connect(os.environ[STREAM_URL_VARIABLE], "clickstream-stream-task")
        self._cursor: Cursor = self._connection.cursor()
        create_tables(self._cursor, self._tables)

    def add(self, cleaned: Cleaned) -> None:
        """Take rows that follow on those before."""
        self.part.count(cleaned)
        if len(cleaned.events):
            rows = encoded_events(cleaned.events, self._batch_id)
            copy_rows(self._cursor, self._tables.events, EVENT_COLUMNS, rows)
        if len(cleaned.rejects):
            rows = encoded_rejects(cleaned.rejects, self._batch_id)
            copy_rows(self._cursor, self._tables.rejects, REJECT_COLUMNS, rows)

    def finish(self) -> Part:
        """Commit the tables with the report."""
        values = {
            "batch_token": self._batch_token,
            "part_index": self.part.index,
            "token": self.part.token,
            "part": self.part.to_json(),
        }
        self._cursor.execute(statement("staging.report_part"), values)
        self._connection.commit()
        self._connection.close()
        return self.part
