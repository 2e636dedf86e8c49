"""Cleaning: raw records to typed events, or to rejects with a reason, as Spark SQL.

Belongs here: strict casts, bounds, and the reasons. Nothing is dropped: every record leaves as an event or as a
reject. Does not belong here: reading (`chunk_reader`), splitting (`fields`), words (`vocabulary`), how times are
written (`event_times`) and which are allowed (`time_bounds`), and writing (`copy_text`).

Reasons, besides those of `records.Flag`: field_count, missing_<field>, id_too_long, unknown_action_type,
invalid_event_time, event_time_out_of_range, too_old (by retention), invalid_price, negative_price,
user_agent_too_long, repeated_header.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyspark.sql import DataFrame

from clickstream_assets.settings import IdenticalRows
from spark.event_times import time_arguments, time_sql, time_text_sql
from spark.header import FIELDS, REQUIRED
from spark.identity import sql_digest, sql_joined_values, sql_uuid_of_digest
from spark.records import Flag
from spark.source_mapping import SourceMapping
from spark.time_bounds import EARLIEST
from spark.vocabulary import ACTIONS

UNMAPPED = SourceMapping()
MAX_ID_CHARACTERS = 256  # keys of the summaries; a longer id is garbage
MAX_USER_AGENT_BYTES = 2_000

UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
PRICE = r"^[+]?([0-9]{1,15}([.][0-9]{0,10})?|[.][0-9]{1,10})$"
_NEGATIVE = r"^-[0-9.]+$"

TEXTS = ("user_id", "session_id", "product_id", "user_agent")
# JSON of the columns that are not ours and of an id that is no UUID; null where there is neither.
_EXTRA = (
    "CASE WHEN has_other_id THEN to_json(map_concat(map('event_id', raw_id), extras)) "
    "WHEN size(extras) > 0 THEN to_json(extras) END"
)

RECORDS = "raw_records"  # the view of the micro-batch's records
CARRIED = ("file_id", "line_no", "byte_offset", "byte_length", "flag", "value", "plain")


def on_records(records: DataFrame, statement: str, mapping: SourceMapping = UNMAPPED) -> DataFrame:
    """Run a statement of this module or of `copy_text`, made for `mapping`, on `records`.

    One statement, not a chain of DataFrame calls: each of those would be analysed from the start again.
    """
    records.createOrReplaceTempView(RECORDS)
    return records.sparkSession.sql(statement, _arguments(mapping))


def cleaning_sql(identical_rows: IdenticalRows, mapping: SourceMapping = UNMAPPED) -> str:
    """Spark SQL that makes events and rejects out of the view `RECORDS` (`chunk_reader.SCHEMA`).

    What a user wrote in the source mapping enters as arguments alone, which `on_records` gives.

    Its columns: `CARRIED`, `reason` and `detail` (null for an event), and the event's: event_id, user_id, session_id,
    action_type, product_id, event_time (timestamp), time_text (the same for COPY), price (text), user_agent, extra
    (JSON text).
    """
    # One projection a step: Spark keeps them apart where a result is used several times, and so computes it once.
    steps: list[list[str]] = [
        [*CARRIED, "split_ok", "oldest", "latest", "extras", *_typed(mapping)],
        ["*", f"{_reason()} AS reason"],
        *([["*", f"{_occurrence()} AS occurrence"]] if identical_rows == "keep" else []),
        ["*", f"{_digest(identical_rows)} AS digest"],
        [
            *CARRIED,
            "reason",
            f"{_detail()} AS detail",
            f"CASE WHEN reason IS NULL THEN coalesce({sql_uuid_of_digest('digest')}, raw_id) END AS event_id",
            "user_id",
            "session_id",
            "action_type",
            "product_id",
            "event_time",
            f"{time_text_sql(mapping)} AS time_text",
            "price",
            "user_agent",
            f"CASE WHEN reason IS NULL THEN {_EXTRA} END AS extra",
        ],
    ]
    statement = RECORDS
    for step in steps:
        statement = select(step, statement)
    return statement


def select(expressions: Sequence[str], source: str) -> str:
    """A SELECT of `expressions` from a view or from another SELECT."""
    inner = source if source == RECORDS else f"({source})"
    # The expressions are this project's own: nothing of a file enters.
    return f"SELECT {', '.join(expressions)} FROM {inner}"  # noqa: S608


def _arguments(mapping: SourceMapping) -> dict[str, Any]:
    """What the statement's markers stand for."""
    words: dict[str, Any] = {f"action_{number}": word for number, word in enumerate(mapping.actions)}
    return words | time_arguments(mapping)


def _typed(mapping: SourceMapping) -> list[str]:
    aliases = ", ".join(
        [
            *(f":action_{number}, '{action}'" for number, action in enumerate(mapping.actions.values())),
            *(f"'{alias}', '{ours}'" for alias, ours in ACTIONS.items() if alias not in mapping.actions),
        ]
    )
    return [
        "event_id AS raw_id",
        f"(event_id IS NOT NULL AND NOT event_id RLIKE '{UUID}') AS has_other_id",
        *TEXTS,
        "action_type AS raw_action",
        f"element_at(map({aliases}), lower(action_type)) AS action_type",
        f"{time_sql(mapping)} AS event_time",
        "event_time AS raw_time",
        "price AS raw_price",
        f"CASE WHEN price RLIKE r'{PRICE}' THEN price END AS price",
    ]


def _reason() -> str:
    flags = " ".join(
        f"WHEN {flag.value} THEN '{flag.name.lower()}'" for flag in Flag if flag is not Flag.NONE
    )
    raw = {"action_type": "raw_action", "event_time": "raw_time"}
    missing = " ".join(f"WHEN {raw.get(field, field)} IS NULL THEN 'missing_{field}'" for field in REQUIRED)
    long_ids = " OR ".join(
        f"length({field}) > {MAX_ID_CHARACTERS}" for field in ("user_id", "session_id", "product_id")
    )
    names = ", ".join(
        f"'{name}'" for name in ("event_time", "timestamp", "time", "event_timestamp", "ts", "datetime")
    )
    return (
        f"CASE WHEN flag <> 0 THEN CASE flag {flags} END "
        "WHEN NOT split_ok THEN 'field_count' "
        f"{missing} "
        f"WHEN event_time IS NULL AND lower(raw_time) IN ({names}) THEN 'repeated_header' "
        f"WHEN {long_ids} THEN 'id_too_long' "
        "WHEN action_type IS NULL THEN 'unknown_action_type' "
        "WHEN event_time IS NULL THEN 'invalid_event_time' "
        f"WHEN event_time < TIMESTAMP '{EARLIEST:%Y-%m-%d}' OR event_time > latest "
        "THEN 'event_time_out_of_range' "
        "WHEN event_time < oldest THEN 'too_old' "
        f"WHEN price IS NULL AND raw_price RLIKE '{_NEGATIVE}' THEN 'negative_price' "
        "WHEN price IS NULL AND raw_price IS NOT NULL THEN 'invalid_price' "
        f"WHEN octet_length(user_agent) > {MAX_USER_AGENT_BYTES} THEN 'user_agent_too_long' END"
    )


def _detail() -> str:
    """The value that was the reason, cut."""
    return (
        "CASE WHEN flag <> 0 OR NOT split_ok THEN NULL "
        "WHEN action_type IS NULL AND raw_action IS NOT NULL THEN left(raw_action, 200) "
        "WHEN event_time IS NULL AND raw_time IS NOT NULL THEN left(raw_time, 200) "
        "WHEN event_time < oldest OR event_time > latest "
        "THEN left(raw_time, 200) "
        "WHEN price IS NULL AND raw_price IS NOT NULL THEN left(raw_price, 200) END"
    )


def _identity_values() -> list[str]:
    """Spark SQL for the values that `identity.uuid_of_values` takes."""
    rendered = {
        "event_time": "cast(unix_micros(event_time) AS STRING)",
        "price": "cast(cast(price AS DECIMAL(38, 10)) AS STRING)",
    }
    return [rendered.get(field, field) for field in FIELDS if field != "event_id"]


def _occurrence() -> str:
    """The number of a row among the rows of its file that are identical in all values."""
    same = ", ".join(["file_id", "raw_id", "reason", *_identity_values()])
    return f"row_number() OVER (PARTITION BY {same} ORDER BY line_no)"


def _digest(identical_rows: IdenticalRows) -> str:
    """The SHA-1 that becomes the event id; null where the row brings a UUID."""
    values = _identity_values()
    if identical_rows == "keep":
        # The first occurrence keeps the identity that it has under the other policy.
        first, later = sql_joined_values(values), sql_joined_values([*values, "cast(occurrence AS STRING)"])
        joined = f"CASE WHEN occurrence = 1 THEN {first} ELSE {later} END"
    else:
        joined = sql_joined_values(values)
    return (
        f"CASE WHEN reason IS NOT NULL THEN NULL WHEN has_other_id THEN {sql_digest('raw_id')} "
        f"WHEN raw_id IS NULL THEN {sql_digest(joined)} END"
    )
