"""The text that COPY takes, built by Spark: one CSV line a row, in the JVM.

Belongs here: columns of the staging tables, quoting, and nothing else. The strings of one Arrow buffer lie
end to end, so that the buffer goes to COPY as it is. Plain events bring theirs along (`plain_events`).
"""

from __future__ import annotations

from spark.cleaning import select
from spark.records import KEPT_BYTES, Flag

EVENT_COLUMNS = (
    "file_id",
    "line_no",
    "event_id",
    "event_time",
    "user_id",
    "session_id",
    "action_type",
    "product_id",
    "price",
    "user_agent",
    "extra",
)
REJECT_COLUMNS = ("file_id", "line_no", "byte_offset", "byte_length", "raw", "reason", "detail")


def copy_text_sql(cleaned: str) -> str:
    """Spark SQL: what `staging` takes, out of the statement `cleaned` (`cleaning.cleaning_sql`).

    Its columns: file_id, flag, event_us (microseconds since 1970), event_line, reject_line, plain
    (`plain_events.PLAIN_SCHEMA`). Exactly one of the last three is set, or none for a row that voids its file.
    """
    void = f"flag >= {Flag.CHUNK_CHANGED.value}"
    # Evidence of at most 64 KiB, without the line end.
    raw = f"regexp_replace(hex(substring(value, 1, {KEPT_BYTES})), '(0D)?0A$', '')"
    event = _line(
        "cast(file_id AS STRING)",
        "cast(line_no AS STRING)",
        "event_id",
        "time_text",
        _quoted("user_id"),
        _quoted("session_id"),
        "action_type",
        _quoted("product_id"),
        "coalesce(price, '')",
        f"coalesce({_quoted('user_agent')}, '')",
        f"coalesce({_quoted('extra')}, '')",
    )
    reject = _line(
        "cast(file_id AS STRING)",
        "cast(line_no AS STRING)",
        "cast(byte_offset AS STRING)",
        "cast(byte_length AS STRING)",
        f"concat('\\\\x', {raw})",
        "reason",
        f"coalesce({_quoted('detail')}, '')",
    )
    columns = [
        "file_id",
        "flag",
        "CASE WHEN reason IS NULL THEN unix_micros(event_time) END AS event_us",
        f"CASE WHEN reason IS NULL THEN {event} END AS event_line",
        f"CASE WHEN reason IS NOT NULL AND NOT ({void}) AND plain IS NULL THEN {reject} END AS reject_line",
        "plain",
    ]
    return select(columns, cleaned)


def _quoted(column: str) -> str:
    return f"""concat('"', replace({column}, '"', '""'), '"')"""


def _line(*values: str) -> str:
    return "concat(" + ", ',', ".join(values) + r", '\n')"
