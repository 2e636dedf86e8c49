"""Which records all CSV parsers of one dialect read alike.

Belongs here: quotes, line ends, and where parsers disagree about them. Does not belong here: splitting (`fields`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.reading.quotes import BACKSLASH, BY_BACKSLASH, CARRIAGE_RETURN, NEWLINE, QUOTE, structural_quotes


def regular_records(
    values: pa.BinaryArray, text: bytes, delimiter: str, escape: str | None, *, all_candidates: bool
) -> npt.NDArray[np.bool_]:
    """Whether the quotes of a record only open and close whole fields, or are escaped as `escape` says.

    Parsers disagree on anything else: a quote within a field, text after a closing quote, a lone carriage return. Where
    `escape` is not known, a quote behind a backslash is in doubt, too.
    """
    if all_candidates and _is_plainly_regular(text, len(values), delimiter, escape):
        return np.ones(len(values), bool)
    bounds = _bounds(values)
    bounds -= bounds[0]
    data = np.frombuffer(text + b"\n", np.uint8)  # one more, so that the last byte has a successor
    regular = np.ones(len(values), bool)
    quotes = structural_quotes(data[:-1], by_backslash=escape == BY_BACKSLASH)
    before = np.searchsorted(quotes, bounds)
    counts = np.diff(before)
    row = np.repeat(np.arange(len(values)), counts)
    is_opening = (np.arange(len(quotes)) - before[row]) % 2 == 0
    opens, closes = _neighbours(delimiter, escape)
    in_front, behind = data[quotes - 1], data[quotes + 1]
    is_first = quotes == bounds[row]
    is_plain = np.where(is_opening, is_first | opens[in_front], closes[behind])
    if escape is None:
        is_plain &= is_opening | (in_front != BACKSLASH)
    regular[row[~is_plain]] = False
    regular[counts % 2 == 1] = False

    def row_of(positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.searchsorted(bounds, positions, side="right") - 1

    returns = np.flatnonzero(data[:-1] == CARRIAGE_RETURN)
    regular[row_of(returns[data[returns + 1] != NEWLINE])] = False
    newlines = np.flatnonzero(data[:-1] == NEWLINE)
    newlines = newlines[newlines + 1 < bounds[row_of(newlines) + 1]]  # not those at a record's end
    is_outside = (np.searchsorted(quotes, newlines) - before[row_of(newlines)]) % 2 == 0
    regular[row_of(newlines[is_outside])] = False
    return regular


def _is_plainly_regular(text: bytes, rows: int, delimiter: str, escape: str | None) -> bool:
    """Whether all records are regular and of one line, told without looking at each: the usual case, much quicker."""
    data = np.frombuffer(b"\n" + text + b"\n", np.uint8)
    # The two newlines that are not the text's, less the one that a last record without an end lacks.
    if np.count_nonzero(data == NEWLINE) != rows + 2 - (not text.endswith(b"\n")):
        return False
    if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
        return False
    quotes = structural_quotes(data, by_backslash=escape == BY_BACKSLASH)
    if len(quotes) % 2:
        return False
    opens, closes = _neighbours(delimiter, escape)
    if not opens[data[quotes[0::2] - 1]].all():
        return False
    if escape is None and b"\\" in text and (data[quotes[1::2] - 1] == BACKSLASH).any():
        return False
    # Between the quotes of a pair there is no newline: each newline was one record's end above.
    return bool(closes[data[quotes[1::2] + 1]].all())


def _neighbours(delimiter: str, escape: str | None) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which bytes may stand in front of an opening quote, and behind a closing one."""
    opens, closes = np.zeros(256, bool), np.zeros(256, bool)
    opens[[ord(delimiter), NEWLINE]] = True
    closes[[ord(delimiter), NEWLINE, CARRIAGE_RETURN]] = True
    if escape != BY_BACKSLASH:
        opens[QUOTE] = closes[QUOTE] = True  # a doubled one looks like one that closes and one that opens
    return opens, closes


def _bounds(values: pa.BinaryArray | pa.StringArray) -> npt.NDArray[np.int64]:
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    return offsets.astype(np.int64)


def buffer_of(values: pa.BinaryArray | pa.StringArray) -> bytes:
    """The values end to end, as they lie in Arrow's buffer."""
    bounds = _bounds(values)
    return values.buffers()[2][int(bounds[0]) : int(bounds[-1])].to_pybytes()
