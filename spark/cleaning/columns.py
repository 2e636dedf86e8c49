"""The columns of an event and of a reject: the one list that cleaning, both sinks and the staging tables share."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from clickstream_assets.contract import FIELDS


@dataclass(frozen=True)
class Column:
    """A column that the stream fills: its type in Arrow and in PostgreSQL."""

    name: str
    type: pa.DataType
    sql_type: str


def _number(name: str) -> Column:
    return Column(name, pa.int64(), "bigint")


def _text(name: str, sql_type: str = "text") -> Column:
    return Column(name, pa.string(), sql_type)


_EVENT_ID = Column("event_id", pa.binary(16), "uuid")
_EVENT_TIME = Column("event_time", pa.timestamp("us", "UTC"), "timestamptz")
_SQL_TYPES = {"price": "numeric"}  # of fields that are texts here and no text in PostgreSQL

# `id`, `batch_id` and `ingested_at` are given by the commit and by PostgreSQL.
EVENT_COLUMNS = (
    _EVENT_ID,
    _EVENT_TIME,
    _number("file_id"),
    _number("line_no"),
    *(_text(name, _SQL_TYPES.get(name, "text")) for name in FIELDS if name not in ("event_id", "event_time")),
    _text("extra", "jsonb"),
)
REJECT_COLUMNS = (
    _number("file_id"),
    _number("line_no"),
    _number("byte_offset"),
    _number("byte_length"),
    Column("raw", pa.binary(), "bytea"),
    _text("reason"),
    _text("detail"),
)
EVENT_SCHEMA = pa.schema([(column.name, column.type) for column in EVENT_COLUMNS])
REJECT_SCHEMA = pa.schema([(column.name, column.type) for column in REJECT_COLUMNS])
