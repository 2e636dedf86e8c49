"""The columns of an event and of a reject: the one list that cleaning, both sinks and the staging tables share."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Column:
    """A column that the stream fills: its type in Arrow, in PostgreSQL, and in Spark for the JDBC sink."""

    name: str
    type: pa.DataType
    sql_type: str
    spark_type: str


def _number(name: str) -> Column:
    return Column(name, pa.int64(), "bigint", "long")


def _text(name: str, sql_type: str = "text") -> Column:
    return Column(name, pa.string(), sql_type, "string")


# `id`, `batch_id` and `ingested_at` are given by the commit and by PostgreSQL.
EVENT_COLUMNS = (
    Column("event_id", pa.binary(16), "uuid", "string"),
    Column("event_time", pa.timestamp("us", "UTC"), "timestamptz", "timestamp"),
    _number("file_id"),
    _number("line_no"),
    _text("user_id"),
    _text("session_id"),
    _text("action_type"),
    _text("product_id"),
    _text("price", "numeric"),
    _text("user_agent"),
    _text("extra", "jsonb"),
)
REJECT_COLUMNS = (
    _number("file_id"),
    _number("line_no"),
    _number("byte_offset"),
    _number("byte_length"),
    Column("raw", pa.binary(), "bytea", "binary"),
    _text("reason"),
    _text("detail"),
)
EVENT_SCHEMA = pa.schema([(column.name, column.type) for column in EVENT_COLUMNS])
REJECT_SCHEMA = pa.schema([(column.name, column.type) for column in REJECT_COLUMNS])
