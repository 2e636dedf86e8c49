"""The staging tables of a part, where rows come by upload or by Spark's JDBC writer."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from clickstream_assets.sql_files import statement
from spark.cleaning.columns import EVENT_COLUMNS, REJECT_COLUMNS, Column

Table = tuple[str, ...]  # schema, where it has one, and name


@dataclass(frozen=True)
class StagingTables:
    """Where the rows of one part lie. `staging.orphaned_parts` knows the names."""

    events: Table
    rejects: Table


def staging_tables(epoch: int, token: str) -> StagingTables:
    return StagingTables(("staging", f"events_e{epoch}_{token}"), ("staging", f"rejects_e{epoch}_{token}"))


def create_tables(cursor: Cursor, tables: StagingTables) -> None:
    cursor.execute(
        sql.SQL(statement("staging.create_part")).format(
            events=sql.Identifier(*tables.events),
            rejects=sql.Identifier(*tables.rejects),
            event_columns=definitions(EVENT_COLUMNS),
            reject_columns=definitions(REJECT_COLUMNS),
        )
    )


def drop_tables(cursor: Cursor, tables: StagingTables) -> None:
    names = sql.SQL(", ").join([sql.Identifier(*tables.events), sql.Identifier(*tables.rejects)])
    cursor.execute(sql.SQL(statement("staging.drop_part")).format(tables=names))


def definitions(columns: tuple[Column, ...]) -> sql.Composable:
    """Columns with their types, as CREATE TABLE takes them. Not those of `events`, which somebody may have narrowed."""
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column.name), sql.SQL(column.sql_type)) for column in columns
    )


def column_list(columns: tuple[Column, ...], alias: str | None = None) -> sql.Composable:
    """The names of columns, as a list in SQL."""
    prefix = (alias,) if alias else ()
    return sql.SQL(", ").join(sql.Identifier(*prefix, column.name) for column in columns)


def unnested(columns: tuple[Column, ...]) -> sql.Composable:
    """The values of columns out of blocks, as a list in SQL: arrays but for the file, which a block has one of."""
    return sql.SQL(", ").join(
        sql.Identifier(column.name)
        if column.name == "file_id"
        else sql.SQL("{}({})").format(sql.Identifier("unnest"), sql.Identifier(column.name))
        for column in columns
    )
