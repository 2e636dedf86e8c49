"""Cleaning: raw records to typed events, or to rejects with a reason, as Spark SQL.

Belongs here: splitting by the header, trimming, strict casts, bounds, and the reasons. Nothing is dropped: every
record leaves as an event or as a reject. Does not belong here: reading (`chunk_reader`) and writing (`copy_text`).

Reasons, besides those of `records.Flag`: field_count, missing_<field>, id_too_long, unknown_action_type,
invalid_event_time, event_time_out_of_range, too_old (by retention), invalid_price, negative_price,
user_agent_too_long, repeated_header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pyspark.sql import DataFrame

from clickstream_assets.settings import IdenticalRows
from spark.header import FIELDS, REQUIRED, Layout
from spark.identity import sql_digest, sql_joined_values, sql_uuid_of_digest
from spark.records import Flag

WHITE_SPACE = r" \t\r\n\f\u000b\u00a0\u3000"
NULL_TOKENS = ("", "null", "none", "undefined", "(not set)", r"\\n")  # lower case; \N is PostgreSQL's own
MAX_PARSED_COLUMNS = 2_000  # commas inside quotes do not count
MAX_ID_CHARACTERS = 256  # keys of the summaries; a longer id is garbage
MAX_USER_AGENT_BYTES = 2_000
EARLIEST = "2000-01-01 00:00:00"  # before: a broken clock
MAX_FUTURE = timedelta(days=1)  # ahead of this machine's clock: another zone or a skewed clock, at most

ACTIONS: Mapping[str, str] = {
    "view": "view",
    "product_view": "view",
    "view_item": "view",
    "page_view": "view",
    "pageview": "view",
    "detail": "view",
    "add_to_cart": "add_to_cart",
    "add-to-cart": "add_to_cart",
    "add to cart": "add_to_cart",
    "addtocart": "add_to_cart",
    "cart": "add_to_cart",
    "add": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "remove-from-cart": "remove_from_cart",
    "remove from cart": "remove_from_cart",
    "removefromcart": "remove_from_cart",
    "remove": "remove_from_cart",
    "purchase": "purchase",
    "order": "purchase",
    "transaction": "purchase",
    "buy": "purchase",
    "checkout_completed": "purchase",
}

_UUID = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_ISO_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?"
    r"( ?(Z|z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?$"
)
_EPOCH = "^[0-9]{10}$|^[0-9]{13}$|^[0-9]{16}$"  # seconds, milliseconds, microseconds
_PRICE = r"^[+]?([0-9]{1,15}([.][0-9]{0,10})?|[.][0-9]{1,10})$"
_NEGATIVE = r"^-[0-9.]+$"

_HAS_OTHER_ID = f"(raw_id IS NOT NULL AND NOT raw_id RLIKE '{_UUID}')"

RECORDS = "raw_records"  # the view of the micro-batch's records
CARRIED = ("seq", "file_id", "line_no", "byte_offset", "byte_length", "flag", "value")


def on_records(records: DataFrame, statement: str) -> DataFrame:
    """Run a statement of this module or of `copy_text` on `records`.

    One statement, not a chain of DataFrame calls: each of those would be analysed from the start again.
    """
    records.createOrReplaceTempView(RECORDS)
    return records.sparkSession.sql(statement)


def cleaning_sql(
    layouts: Mapping[int, Layout], identical_rows: IdenticalRows, now: datetime, oldest: str = EARLIEST
) -> str:
    """Spark SQL that makes events and rejects out of the view `RECORDS`.

    Its columns: `CARRIED`, `reason` and `detail` (null for an event), and the event's: event_id, user_id, session_id,
    action_type, product_id, event_time (timestamp), price (text), user_agent, extra (JSON text).
    """
    splits = [f"split_{layout_id}" for layout_id in layouts]
    kept = [*CARRIED, *splits, "split_ok"]
    latest = latest_event_time(now)
    # One projection a step: Spark keeps them apart where a result is used several times, and so computes it once.
    steps: list[list[str]] = [
        [*CARRIED, *_split(layouts)],
        [*CARRIED, *splits, f"{_split_ok(layouts)} AS split_ok", *_trimmed(layouts)],
        [*kept, *(f"{_without_null_token(field)} AS {field}" for field in FIELDS)],
        [*kept, *_typed()],
        ["*", f"{_reason(latest, oldest)} AS reason"],
        *([["*", f"{_occurrence()} AS occurrence"]] if identical_rows == "keep" else []),
        ["*", f"{_digest(identical_rows)} AS digest"],
        [
            *CARRIED,
            "reason",
            f"{_detail(latest, oldest)} AS detail",
            f"CASE WHEN reason IS NULL THEN coalesce({sql_uuid_of_digest('digest')}, lower(raw_id)) END AS event_id",
            "user_id",
            "session_id",
            "action_type",
            "product_id",
            "event_time",
            "price",
            "user_agent",
            f"CASE WHEN reason IS NULL THEN {_extra(layouts)} END AS extra",
        ],
    ]
    statement = RECORDS
    for step in steps:
        statement = select(step, statement)
    return statement


def select(expressions: Sequence[str], source: str) -> str:
    """A SELECT of `expressions` from a view or from another SELECT."""
    inner = source if source == RECORDS else f"({source})"
    # The expressions are this project's own; of a file only its column names enter, quoted by `_literal`.
    return f"SELECT {', '.join(expressions)} FROM {inner}"  # noqa: S608


def _split(layouts: Mapping[int, Layout]) -> list[str]:
    """One struct of strings a layout, null unless the record has that layout and no defect."""
    text = r"trim(TRAILING '\r\n' FROM cast(value AS STRING))"
    return [
        f"CASE WHEN flag = 0 AND layout_id = {layout_id} AND {_few_enough_columns(layout)} "
        f"THEN {_from_csv(text, layout)} END AS split_{layout_id}"
        for layout_id, layout in layouts.items()
    ]


def _from_csv(text: str, layout: Layout) -> str:
    columns = ", ".join(f"c{index} STRING" for index in range(len(layout.columns)))
    options = {
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "bad",
        "sep": layout.delimiter,
        "escape": '"',
        "maxColumns": str(MAX_PARSED_COLUMNS),
    }
    pairs = ", ".join(f"{_literal(key)}, {_literal(value)}" for key, value in options.items())
    return f"from_csv({text}, '{columns}, bad STRING', map({pairs}))"


def _few_enough_columns(layout: Layout) -> str:
    """More columns than the parser takes would end the whole batch, for ever. A short record needs no count."""
    text, delimiter = "cast(value AS STRING)", _literal(layout.delimiter)
    return (
        f"(octet_length(value) < {MAX_PARSED_COLUMNS} "
        f"OR length({text}) - length(replace({text}, {delimiter}, '')) < {MAX_PARSED_COLUMNS - 1})"
    )


def _literal(text: str) -> str:
    """A Spark SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")
    return f"'{escaped}'"


def _trimmed(layouts: Mapping[int, Layout]) -> list[str]:
    """The text of each field without surrounding white space, from the column where its layout has it."""
    chosen = []
    for field in FIELDS:
        branches = [
            f"WHEN split_{layout_id} IS NOT NULL THEN split_{layout_id}.c{positions[field]}"
            for layout_id, layout in layouts.items()
            if field in (positions := layout.field_positions())
        ]
        value = f"CASE {' '.join(branches)} END" if branches else "cast(NULL AS STRING)"
        chosen.append(f"trim(BOTH '{WHITE_SPACE}' FROM {value}) AS {field}")
    return chosen


def _split_ok(layouts: Mapping[int, Layout]) -> str:
    good = [f"(split_{layout_id} IS NOT NULL AND split_{layout_id}.bad IS NULL)" for layout_id in layouts]
    return " OR ".join(good) or "false"


def _without_null_token(field: str) -> str:
    tokens = ", ".join(f"'{token}'" for token in NULL_TOKENS)
    longest = max(len(token) for token in NULL_TOKENS)
    return f"CASE WHEN length({field}) > {longest} OR lower({field}) NOT IN ({tokens}) THEN {field} END"


def _extra(layouts: Mapping[int, Layout]) -> str:
    """JSON of the columns that are not ours and of an id that is no UUID; null where there is neither."""
    branches = []
    for layout_id, layout in layouts.items():
        columns = "".join(
            f", {_literal(name)}, split_{layout_id}.c{index}"
            for name, index in layout.extra_columns().items()
        )
        members = f"to_json(named_struct('event_id', CASE WHEN {_HAS_OTHER_ID} THEN raw_id END{columns}))"
        condition = f"split_{layout_id} IS NOT NULL" + ("" if columns else f" AND {_HAS_OTHER_ID}")
        branches.append(f"WHEN {condition} THEN nullif({members}, '{{}}')")
    return f"CASE {' '.join(branches)} END" if branches else "cast(NULL AS STRING)"


def _typed() -> list[str]:
    actions = " ".join(f"WHEN '{alias}' THEN '{action}'" for alias, action in ACTIONS.items())
    time = (
        f"CASE WHEN event_time RLIKE r'{_ISO_TIME}' THEN try_cast(event_time AS TIMESTAMP) "
        f"WHEN event_time RLIKE '{_EPOCH}' THEN "
        "timestamp_micros(cast(rpad(event_time, 16, '0') AS BIGINT)) END"
    )
    return [
        "event_id AS raw_id",
        "user_id",
        "session_id",
        "product_id",
        "user_agent",
        "action_type AS raw_action",
        f"CASE lower(action_type) {actions} END AS action_type",
        f"{time} AS event_time",
        "event_time AS raw_time",
        "price AS raw_price",
        f"CASE WHEN price RLIKE r'{_PRICE}' THEN trim(LEADING '+' FROM price) END AS price",
    ]


def latest_event_time(now: datetime) -> str:
    """The latest time that an event may have, in full hours.

    Constants become part of the code that Spark generates: with the time of the moment it would be compiled anew for
    every micro-batch, which takes longer than the micro-batch.
    """
    bound = now + MAX_FUTURE + timedelta(hours=1)
    return bound.astimezone(UTC).strftime("%Y-%m-%d %H:00:00")


def oldest_event_time(now: datetime, retention_days: int | None, floor: datetime | None) -> str:
    """The oldest time that an event may have: not beyond the retention, in full hours as `latest_event_time`, nor
    before `floor`, from which on the events are kept."""
    bounds = [EARLIEST]
    if retention_days is not None:
        bounds.append((now - timedelta(days=retention_days)).astimezone(UTC).strftime("%Y-%m-%d %H:00:00"))
    if floor is not None:
        bounds.append(floor.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"))
    return max(bounds)


def _reason(latest: str, oldest: str) -> str:
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
        f"WHEN event_time < TIMESTAMP '{EARLIEST}' OR event_time > TIMESTAMP '{latest}' "
        "THEN 'event_time_out_of_range' "
        f"WHEN event_time < TIMESTAMP '{oldest}' THEN 'too_old' "
        f"WHEN raw_price RLIKE '{_NEGATIVE}' THEN 'negative_price' "
        "WHEN raw_price IS NOT NULL AND price IS NULL THEN 'invalid_price' "
        f"WHEN octet_length(user_agent) > {MAX_USER_AGENT_BYTES} THEN 'user_agent_too_long' END"
    )


def _detail(latest: str, oldest: str) -> str:
    """The value that was the reason, cut."""
    return (
        "CASE WHEN flag <> 0 OR NOT split_ok THEN NULL "
        "WHEN raw_action IS NOT NULL AND action_type IS NULL THEN left(raw_action, 200) "
        "WHEN raw_time IS NOT NULL AND event_time IS NULL THEN left(raw_time, 200) "
        f"WHEN event_time < TIMESTAMP '{oldest}' OR event_time > TIMESTAMP '{latest}' "
        "THEN left(raw_time, 200) "
        "WHEN raw_price IS NOT NULL AND price IS NULL THEN left(raw_price, 200) END"
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
        f"CASE WHEN reason IS NOT NULL THEN NULL WHEN {_HAS_OTHER_ID} THEN {sql_digest('raw_id')} "
        f"WHEN raw_id IS NULL THEN {sql_digest(joined)} END"
    )
