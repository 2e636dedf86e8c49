"""The texts of times: ISO 8601, epochs, and what a source mapping adds, as Spark SQL.

Belongs here: from a text to an instant. Does not belong here: which instants are allowed (`time_bounds`).
"""

from __future__ import annotations

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from clickstream_assets.settings import SettingsError
from spark.source_mapping import UTC, SourceMapping

_ISO_TIME = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?"
    r"( ?(Z|z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?$"
)
_PLAIN_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?$"
_EPOCH = "^[0-9]{10}$|^[0-9]{13}$|^[0-9]{16}$"  # seconds, milliseconds, microseconds
# A text that COPY reads as Spark does: UTC, at most microseconds. Formatting it anew costs more than the cast did.
_COPYABLE_TIME = "(octet_length(raw_time) BETWEEN 20 AND 27 AND endswith(raw_time, 'Z'))"


def time_sql(mapping: SourceMapping) -> str:
    """The time of an event. Texts without a zone are in the mapping's."""

    def local(time: str) -> str:
        return time if mapping.time_zone == UTC else f"to_utc_timestamp({time}, :time_zone)"

    cast = "try_cast(event_time AS TIMESTAMP)"
    plain = "" if mapping.time_zone == UTC else f"WHEN event_time RLIKE r'{_PLAIN_TIME}' THEN {local(cast)} "
    known = (
        f"CASE {plain}WHEN event_time RLIKE r'{_ISO_TIME}' THEN {cast} "
        f"WHEN event_time RLIKE '{_EPOCH}' THEN "
        "timestamp_micros(cast(rpad(event_time, 16, '0') AS BIGINT)) END"
    )
    if mapping.time_format is None:
        return known
    own = "try_to_timestamp(event_time, :time_format)"
    # First: a format of ten digits is no epoch.
    return f"coalesce({own if mapping.format_names_zone else local(own)}, {known})"


def time_text_sql(mapping: SourceMapping) -> str:
    """The time as COPY takes it: where PostgreSQL reads the text as we do, the text."""
    if mapping.time_format is not None:
        return "cast(event_time AS STRING)"
    return f"CASE WHEN {_COPYABLE_TIME} THEN raw_time ELSE cast(event_time AS STRING) END"


def time_arguments(mapping: SourceMapping) -> dict[str, str]:
    """What the markers in `time_sql` stand for."""
    words = {}
    if mapping.time_format is not None:
        words["time_format"] = mapping.time_format
    if mapping.time_zone != UTC:
        words["time_zone"] = mapping.time_zone
    return words


def check_time_format(spark: SparkSession, mapping: SourceMapping) -> None:
    """Have Spark try the pattern.

    Raises:
        SettingsError: it is no datetime pattern.
    """
    if mapping.time_format is None:
        return
    try:
        spark.sql(
            "SELECT try_to_timestamp(text, :time_format) FROM VALUES ('x') AS t(text)",
            {"time_format": mapping.time_format},
        ).collect()
    except PySparkException:
        raise SettingsError(
            f"The source mapping's time format '{mapping.time_format}' is no datetime pattern of Spark: "
            "write one like dd.MM.yyyy HH:mm:ss."
        ) from None
