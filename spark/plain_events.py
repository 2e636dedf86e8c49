"""Plain events, on which nothing is left to decide: their text for COPY, made by Arrow, thousands at a time.

Belongs here: telling such events, and the text that `cleaning` and `copy_text` would make of them; a test holds the two
ways to one result. Whatever is in doubt is not plain. Does not belong here: why a record is rejected.

A plain event brings a UUID, a time in ISO 8601 and UTC that is allowed, a price or none, a word for its action that is
known, and no columns of others. It goes through Spark within a block of text, not as a row, which costs the JVM more
than all the rest of Spark's part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.cleaning import MAX_ID_CHARACTERS, MAX_USER_AGENT_BYTES, PRICE, UUID
from spark.regular_records import buffer_of
from spark.source_mapping import SourceMapping
from spark.time_bounds import TimeBounds
from spark.vocabulary import ACTIONS, CANONICAL_ACTIONS

PLAIN_SCHEMA = (
    "plain struct<file_id: long, rows: long, first_us: long, last_us: long, months: string, text: binary>"
)
PLAIN_TYPE = pa.struct(
    {
        "file_id": pa.int64(),
        "rows": pa.int64(),
        "first_us": pa.int64(),  # microseconds since 1970 of the first and the last event
        "last_us": pa.int64(),
        "months": pa.string(),  # of the events, by their first days, with commas between
        "text": pa.binary(),
    }
)

# Each match is in the calendar, whatever the year but for February 29th: casting a column of them cannot fail.
_TIME = (
    "^20(?:[0-9]{2}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
    "|(?:[02468][048]|[13579][26])-02-29)"
    r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]{1,6})?Z$"
)
_CANONICAL = pa.array(CANONICAL_ACTIONS)
_NO_TEXT = pa.scalar(None, pa.string())
_YES, _NO = pa.scalar(True), pa.scalar(False)


@dataclass(frozen=True)
class PlainEvents:
    """Tells plain events, with the words that producers use for actions."""

    words: Mapping[str, str]  # a word in lower case: our action

    @classmethod
    def of(cls, mapping: SourceMapping) -> PlainEvents | None:
        """`None` where the mapping has a format of times: those are Spark's to read."""
        return cls({**ACTIONS, **mapping.actions}) if mapping.time_format is None else None

    def take(
        self, records: pa.RecordBatch, file_id: int, bounds: TimeBounds
    ) -> tuple[npt.NDArray[np.bool_], pa.StructArray | None]:
        """Which of a file's `records` (`chunk_reader.SCHEMA`) are plain, and all of them as one value of `PLAIN_TYPE`.

        The value is `None` where none is plain.
        """
        actions = self._actions(records["action_type"])
        times = _microseconds(records["event_time"])
        is_plain = np.diff(records["extras"].offsets.to_numpy()) == 0
        for condition in (
            records["split_ok"],
            pc.match_substring_regex(records["event_id"], UUID),
            *(
                _is_short(records[name], MAX_ID_CHARACTERS)
                for name in ("user_id", "session_id", "product_id")
            ),
            pc.is_valid(actions),
            pc.greater_equal(times, bounds.oldest),
            pc.less_equal(times, bounds.latest),
            pc.coalesce(pc.match_substring_regex(records["price"], PRICE), _YES),
            pc.coalesce(_is_short(records["user_agent"], MAX_USER_AGENT_BYTES), _YES),
        ):
            is_plain &= pc.coalesce(condition, _NO).to_numpy(zero_copy_only=False)
        if not is_plain.any():
            return is_plain, None
        order = _in_order_of_ids(records["event_id"], is_plain)
        return is_plain, _block(file_id, _lines(file_id, records, actions).take(order), times.take(order))

    def _actions(self, words: pa.StringArray) -> pa.StringArray:
        """Our action for each word; null where it is unknown."""
        is_canonical = pc.is_in(words, _CANONICAL)
        if pc.all(is_canonical).as_py():
            return words
        known, ours = pa.array(list(self.words)), pa.array(list(self.words.values()))
        return pc.if_else(is_canonical, words, ours.take(pc.index_in(pc.ascii_lower(words), known)))


def _is_short(column: pa.StringArray, limit: int) -> pa.BooleanArray:
    """Whether a text has at most `limit` bytes; null for null."""
    return pc.less_equal(pc.binary_length(column), limit)


def _microseconds(column: pa.StringArray) -> pa.Int64Array:
    """The instants of the times that match `_TIME`; null for all others."""
    matching = pc.if_else(pc.match_substring_regex(column, _TIME), column, _NO_TEXT)
    return matching.cast(pa.timestamp("us", "UTC")).cast(pa.int64())


def _in_order_of_ids(ids: pa.StringArray, is_plain: npt.NDArray[np.bool_]) -> pa.Int64Array:
    """The rows of plain events by the first 32 bits of their ids; rows with the same remain as they are.

    PostgreSQL enters rows in that order into its index more cheaply, and here sorting them costs less than there.
    """
    rows = np.flatnonzero(is_plain)
    text = buffer_of(pc.ascii_lower(ids.take(pa.array(rows))))
    first = np.frombuffer(text, np.dtype([("digits", ">u8"), ("rest", "S28")]))["digits"]
    return pa.array(rows[np.argsort(first, kind="stable")])


def _lines(file_id: int, records: pa.RecordBatch, actions: pa.StringArray) -> pa.StringArray:
    """A line of `copy_text.EVENT_COLUMNS` for each record."""

    def quoted(name: str) -> pa.StringArray:
        column = records[name]
        if pc.any(pc.match_substring(column, '"')).as_py():
            return pc.replace_substring(column, '"', '""')
        return column

    return pc.binary_join_element_wise(
        f"{file_id},",
        records["line_no"].cast(pa.string()),
        ",",
        records["event_id"],
        ",",
        records["event_time"],
        ',"',
        quoted("user_id"),
        '","',
        quoted("session_id"),
        '",',
        actions,
        ',"',
        quoted("product_id"),
        '",',
        records["price"],
        ",",
        pc.binary_join_element_wise('"', quoted("user_agent"), '"', ""),
        ",\n",
        "",
        null_handling="replace",
        null_replacement="",
    )


def _block(file_id: int, lines: pa.StringArray, times: pa.Int64Array) -> pa.StructArray:
    months = np.unique(times.to_numpy().astype("datetime64[us]").astype("datetime64[M]"))
    block = {
        "file_id": file_id,
        "rows": len(lines),
        "first_us": pc.min(times).as_py(),
        "last_us": pc.max(times).as_py(),
        "months": ",".join(f"{month}-01" for month in months),
        "text": buffer_of(lines),
    }
    return pa.array([block], PLAIN_TYPE)
