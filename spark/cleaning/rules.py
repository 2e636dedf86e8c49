"""The rules that reject a record: one ordered table, of which the first that holds is the reason.

The detail of a reject is the value that was the reason, its first 200 characters; null where there is none. Reasons
that are not here: `refused_by_database`, which the commit finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.cleaning.field_texts import INVALID_JSON, INVALID_NUMBER, Defect
from spark.cleaning.prices import INVALID, NEGATIVE
from spark.cleaning.texts import NO_TEXT
from spark.cleaning.time_bounds import EARLIEST_US, TimeBounds
from spark.cleaning.times import Times
from spark.reading.flags import Flag
from spark.reading.header import REQUIRED

MAX_ID_CHARACTERS = 256  # keys of the summaries; a longer id is garbage
MAX_USER_AGENT_BYTES = 2_000
DETAIL_CHARACTERS = 200

Mask = npt.NDArray[np.bool_]

# What a column of times is called in headers: a header in the middle of a file.
_TIME_NAMES = pa.array(["event_time", "timestamp", "time", "event_timestamp", "ts", "datetime"])


@dataclass(frozen=True)
class Facts:
    """What the rules look at: columns of one run of records, trimmed, null where there is no value."""

    flags: npt.NDArray[np.int8]
    split_ok: Mask
    is_header: Callable[[], Mask]  # whose texts are the names of their columns
    texts: Mapping[str, pa.StringArray]  # by field
    given: Callable[[str], pa.StringArray | None]  # by field, with the words that mean nothing
    defects: Sequence[Defect]
    optional: Set[str]  # fields that a record may lack
    actions: pa.StringArray  # ours; null where the word is unknown
    is_other: Mask | None  # an action that is none of the four, and need not be about a product
    times: Times
    times_are_columns: bool  # they come from columns, and not, say, from the path alone
    price_reasons: pa.StringArray
    bounds: TimeBounds


@dataclass(frozen=True)
class Rule:
    """`holds` says for which records; `detail` gives the texts that were the reason."""

    reason: str
    holds: Callable[[Facts], Mask]
    detail: Callable[[Facts], pa.StringArray | None] = lambda _: None


def _mask(column: pa.BooleanArray) -> Mask:
    found: Mask = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return found


def _is_null(column: pa.Array) -> Mask:
    if not column.null_count:
        return np.zeros(len(column), bool)
    found: Mask = column.is_null().to_numpy(zero_copy_only=False)
    return found


def _flagged(flag: Flag) -> Rule:
    return Rule(flag.name.lower(), lambda facts: facts.flags == flag)


def _text_of(field: str) -> Callable[[Facts], pa.StringArray]:
    return lambda facts: facts.texts[field]


def _missing(field: str) -> Rule:
    def holds(facts: Facts) -> Mask:
        missing = _is_null(facts.texts[field])
        if field in facts.optional:
            return np.zeros(len(missing), bool)
        if field == "product_id" and facts.is_other is not None:
            missing &= ~facts.is_other
        return missing

    # The word that means that there is none; null where the text is empty.
    return Rule(f"missing_{field}", holds, lambda facts: facts.given(field))


def _defect(reason: str) -> Rule:
    def found(facts: Facts) -> list[Defect]:
        return [defect for defect in facts.defects if defect.reason == reason]

    def holds(facts: Facts) -> Mask:
        return np.logical_or.reduce([np.zeros(len(facts.flags), bool), *(one.rows for one in found(facts))])

    def detail(facts: Facts) -> pa.StringArray:
        texts = [pc.if_else(pa.array(one.rows), one.texts, NO_TEXT) for one in found(facts)]
        return pc.coalesce(*texts)

    return Rule(reason, holds, detail)


def _too_long(field: str) -> Rule:
    def holds(facts: Facts) -> Mask:
        column = facts.texts[field]
        long = _mask(pc.greater(pc.binary_length(column), MAX_ID_CHARACTERS))
        if long.any():
            long &= _mask(pc.greater(pc.utf8_length(column), MAX_ID_CHARACTERS))
        return long

    return Rule("id_too_long", holds, _text_of(field))


def _price(reason: str) -> Rule:
    def holds(facts: Facts) -> Mask:
        if facts.price_reasons.null_count == len(facts.price_reasons):
            return np.zeros(len(facts.price_reasons), bool)
        return _mask(pc.equal(facts.price_reasons, reason))

    return Rule(reason, holds, _text_of("price"))


def _repeated_header(facts: Facts) -> Mask:
    if facts.times_are_columns and facts.times.valid.all():
        return np.zeros(len(facts.flags), bool)
    named = pc.is_in(pc.ascii_lower(facts.texts["event_time"]), _TIME_NAMES)
    return _mask(named) & ~facts.times.valid | facts.is_header()


def _out_of_range(facts: Facts) -> Mask:
    at = facts.times.microseconds
    return (at < EARLIEST_US) | (at > facts.bounds.latest)


def _agent_too_long(facts: Facts) -> Mask:
    return _mask(pc.greater(pc.binary_length(facts.texts["user_agent"]), MAX_USER_AGENT_BYTES))


RULES = (
    *(_flagged(flag) for flag in Flag if Flag.NONE < flag < Flag.CHUNK_CHANGED),
    Rule("field_count", lambda facts: ~facts.split_ok),
    # Before what the values mean: where the time comes from the path, a header would make a good event.
    Rule("repeated_header", _repeated_header, _text_of("event_time")),
    _defect(INVALID_JSON),
    _defect(INVALID_NUMBER),
    *(_missing(field) for field in REQUIRED),
    *(_too_long(field) for field in ("user_id", "session_id", "product_id")),
    Rule("unknown_action_type", lambda facts: _is_null(facts.actions), _text_of("action_type")),
    Rule("invalid_event_time", lambda facts: ~facts.times.valid, _text_of("event_time")),
    Rule("event_time_out_of_range", _out_of_range, _text_of("event_time")),
    Rule("too_old", lambda facts: facts.times.microseconds < facts.bounds.oldest, _text_of("event_time")),
    _price(NEGATIVE),
    _price(INVALID),
    Rule("user_agent_too_long", _agent_too_long, _text_of("user_agent")),
)


def broken_rules(facts: Facts, rules: Iterable[Rule] = RULES) -> npt.NDArray[np.uint8]:
    """The number, from 1 on, of the first rule that holds for each record; 0 for an event."""
    first = np.zeros(len(facts.flags), np.uint8)
    for number, rule in enumerate(rules, 1):
        holds = rule.holds(facts)
        if holds.any():
            first[holds & (first == 0)] = number
    return first


def reasons_and_details(
    facts: Facts, rules: npt.NDArray[np.uint8], rows: npt.NDArray[np.int64]
) -> tuple[pa.StringArray, pa.StringArray]:
    """The reason and the detail of the records `rows`, whose rules are `rules[rows]`."""
    broken = rules[rows]
    reasons = pa.array([rule.reason for rule in RULES]).take(pa.array(broken - 1))
    details = pa.nulls(len(rows), pa.string())
    for number in np.unique(broken):
        if (texts := RULES[number - 1].detail(facts)) is not None:
            mask = broken == number
            cut = pc.utf8_slice_codeunits(texts.take(pa.array(rows[mask])), 0, DETAIL_CHARACTERS)
            cut = pc.if_else(pc.equal(cut, ""), NO_TEXT, cut)
            details = pc.replace_with_mask(details, pa.array(mask), cut)
    return reasons, details
