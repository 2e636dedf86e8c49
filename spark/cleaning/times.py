"""Times: from a column of texts to instants, in microseconds since 1970.

Texts are sorted by their shape, which is the text with `0` for each digit: a column has few. `time_formats` finds out
once per shape which digits mean what; the digits of all texts of a shape are then read together.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.mapping.time_formats import LONGEST, Plan, Span, TimeFormats

Numbers = npt.NDArray[np.int64]
Matrix = npt.NDArray[np.uint8]  # one row per character, one column per text

SECOND = 1_000_000  # microseconds
MAX_OFFSET = 18 * 3600  # seconds between a zone and UTC
_STEP = 15 * 60 * SECOND  # most zones change their offsets at multiples of this, and none twice in between
_FIRST_ZONED, _LAST_ZONED = (
    int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * SECOND for year in (1900, 9999)
)
_ZERO = ord("0")
_BLANKS = ("\u00a0", "\u2009", "\u202f")

_SHAPE = np.arange(256, dtype=np.uint8)
_SHAPE[_ZERO : _ZERO + 10] = _ZERO
# The first day of each month of the years 0 to 9999 (two more, as the ends of the last), in days since 1970.
_MONTHS = np.arange("0000-01", "10000-03", dtype="datetime64[M]").astype("datetime64[D]").astype(np.int64)


@dataclass(frozen=True)
class Times:
    """Instants, microseconds since 1970; where `valid` is false they mean nothing."""

    microseconds: Numbers
    valid: npt.NDArray[np.bool_]


def read_times(column: pa.StringArray, formats: TimeFormats) -> Times:
    """Read trimmed texts. What is in none of `formats`, or not in the calendar, is not valid; nor is null."""
    column = _with_plain_blanks(column)
    found = Times(np.zeros(len(column), np.int64), np.zeros(len(column), bool))
    lengths = pc.fill_null(pc.binary_length(column), 0).to_numpy()
    for length in np.flatnonzero(np.bincount(np.minimum(lengths, LONGEST + 1))):
        if 0 < length <= LONGEST:
            rows = np.flatnonzero(lengths == length)
            texts = column if len(rows) == len(column) else column.take(pa.array(rows))
            _read_equally_long(texts, int(length), rows, formats, found)
    return found


def _with_plain_blanks(column: pa.StringArray) -> pa.StringArray:
    """Programs of today write a narrow no-break space before AM and PM."""
    for blank in _BLANKS if not pc.all(pc.string_is_ascii(column)).as_py() else ():
        column = pc.replace_substring(column, blank, " ")
    return column


def _read_equally_long(
    texts: pa.StringArray, length: int, rows: Numbers, formats: TimeFormats, found: Times
) -> None:
    _, offsets, data = texts.buffers()
    start = int(np.frombuffer(offsets, np.int32)[texts.offset])
    letters = np.frombuffer(data, np.uint8)[start : start + length * len(texts)].reshape(-1, length)
    shapes = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(length), len(texts), [None, pa.py_buffer(_SHAPE[letters])]
    ).dictionary_encode()
    kinds = shapes.indices.to_numpy()
    for kind, shape in enumerate(shapes.dictionary.to_pylist()):
        left, at = letters, rows
        if len(shapes.dictionary) > 1:
            chosen = np.flatnonzero(kinds == kind)
            left, at = letters[chosen], rows[chosen]
        for plan in formats.plans(shape):
            found.microseconds[at], valid = _read(np.ascontiguousarray(left.T), plan, formats.zone)
            found.valid[at] = valid
            if valid.all():
                break
            left, at = left[~valid], at[~valid]


def _read(matrix: Matrix, plan: Plan, zone: str) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    micros = _number(matrix, _first(plan.fraction, 6)) * 10 ** (6 - min(6, _length(plan.fraction)))
    if plan.epoch is not None:
        digits = _number(matrix, _first(plan.epoch, 16))
        seconds_digits = 10
        whole = digits * 10 ** (6 - (min(16, _length(plan.epoch)) - seconds_digits))
        micros = micros // 10 ** min(6, _length(plan.epoch) - seconds_digits)
        return whole + micros, np.ones(matrix.shape[1], bool)
    year, month, day = (_part(matrix, part) for part in (plan.year, plan.month, plan.day))
    hour, minute, second = (_part(matrix, part) for part in (plan.hour, plan.minute, plan.second))
    if plan.short_year:
        year += np.where(year < 69, 2000, 1900)  # POSIX's rule, as strptime has it
    valid = (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    for place, digit in plan.literals:
        valid &= matrix[place] == ord(digit)
    if plan.afternoon is not None:
        valid &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + 12 * plan.afternoon
    at = year * 12 + np.where(valid, month, 1) - 1
    valid &= (day >= 1) & (day <= _MONTHS[at + 1] - _MONTHS[at])
    seconds = ((_MONTHS[at] + day - 1) * 24 + hour) * 3600 + minute * 60 + second
    instants = seconds * SECOND + micros
    if plan.offset_sign:
        hours, minutes, rest = (_part(matrix, part) for part in plan.offset)
        offset = hours * 3600 + minutes * 60 + rest
        valid &= (minutes < 60) & (rest < 60) & (offset <= MAX_OFFSET)
        return instants - plan.offset_sign * offset * SECOND, valid
    if plan.fixed_offset is not None:
        return instants - plan.fixed_offset * SECOND, valid
    zone = plan.zone or zone
    if not plan.names_utc and zone != "UTC":
        instants = _from_zone(instants, valid, zone)
    return instants, valid


def _part(matrix: Matrix, part: Span | int | None) -> Numbers:
    if isinstance(part, int):
        return np.full(matrix.shape[1], part, np.int64)
    return _number(matrix, part)


def _number(matrix: Matrix, span: Span | None) -> Numbers:
    value = np.zeros(matrix.shape[1], np.int64)
    for at in range(*(span or (0, 0))):
        value = value * 10 + (matrix[at] - _ZERO)
    return value


def _length(span: Span | None) -> int:
    return span[1] - span[0] if span else 0


def _first(span: Span | None, digits: int) -> Span | None:
    return (span[0], min(span[1], span[0] + digits)) if span else None


def _from_zone(local: Numbers, valid: npt.NDArray[np.bool_], zone: str) -> Numbers:
    """Local times of `zone` as instants. An hour that comes twice is the first one, one that is skipped moves on."""
    known = valid & (local > _FIRST_ZONED) & (local < _LAST_ZONED)  # the others are out of all bounds
    steps, places = np.unique(np.where(known, local, 0) // _STEP, return_inverse=True)
    found = [_offset_of_step(zone, int(step)) for step in steps]
    offsets = np.array([offset or 0 for offset in found], np.int64)[places]
    changes = np.array([offset is None for offset in found], bool)[places] & known
    for row in np.flatnonzero(changes):
        offsets[row] = _offset(zone, int(local[row]))
    return local - offsets * SECOND


@lru_cache(100_000)
def _offset_of_step(zone: str, step: int) -> int | None:
    """The offset all through a step; `None` where it changes within (in Newfoundland, until 2011, at 00:01)."""
    first, last = _offset(zone, step * _STEP), _offset(zone, (step + 1) * _STEP - 1)
    return first if first == last else None


def _offset(zone: str, local: int) -> int:
    """Seconds that local clocks are ahead of UTC at a local time."""
    moment = datetime(1970, 1, 1) + timedelta(microseconds=local)
    ahead = moment.replace(tzinfo=_zone(zone)).utcoffset()
    return 0 if ahead is None else round(ahead.total_seconds())


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
