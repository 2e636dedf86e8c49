"""What earlier queries left behind, of this stream or of one that was killed: the uploads and the spool.

For the holder of the lease alone, while no query of its own runs.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from psycopg2 import sql

from clickstream_assets.database import connect
from clickstream_assets.sql_files import statement
from spark.handover import spool as spools


def sweep_parts(url: str, epoch: int, spool: Path) -> None:
    """Remove all parts of micro-batches that were handed over up to this epoch."""
    with (
        closing(connect(url, "clickstream-stream-cleanup", autocommit=True)) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(statement("staging.forget_all_finished_parts"))
        cursor.execute(statement("staging.orphaned_parts"), {"epoch": epoch + 1})
        for (table,) in cursor.fetchall():
            cursor.execute(
                sql.SQL(statement("staging.drop_orphaned_part")).format(
                    table=sql.Identifier("staging", table)
                )
            )
    spools.sweep(spool)
