"""Which records all CSV parsers of one dialect read alike.

It knows quotes, line ends, and where parsers disagree about them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark.reading.quotes import BACKSLASH, BY_BACKSLASH, CARRIAGE_RETURN, NEWLINE, QUOTE, structural_quotes

Indices = npt.NDArray[np.int64]


def regular_records(
    values: pa.BinaryArray, text: bytes, delimiter: str, escape: str | None, *, all_candidates: bool
) -> npt.NDArray[np.bool_]:
    """Whether the quotes of a record only open and close whole fields, or are escaped as `escape` says.

    Parsers disagree on anything else: a quote within a field, text after a closing quote, a lone carriage return. Where
    `escape` is not known, a quote behind a backslash is in doubt, too.
    """
    if all_candidates and _is_plainly_regular(text, len(values), delimiter, escape):
        return np.ones(len(values), bool)
    records = _Quoted.of(values, text, by_backslash=escape == BY_BACKSLASH)
    regular = np.ones(len(values), bool)
    for irregular in (
        records.with_quotes_out_of_place(*_neighbours(delimiter, escape), escape is None),
        records.with_an_open_quote(),
        records.with_a_lone_carriage_return(),
        records.with_a_newline_outside_quotes(),
    ):
        regular[irregular] = False
    return regular


@dataclass(frozen=True)
class _Quoted:
    """Records and their quotes. Each rule names the rows of those that break it; one may be named twice."""

    data: npt.NDArray[np.uint8]  # of all records, and one byte more, so that the last one has a successor
    bounds: Indices  # of the records in it
    quotes: Indices  # the places of those that are not escaped
    quotes_before: Indices  # each of the bounds

    @classmethod
    def of(cls, values: pa.BinaryArray, text: bytes, *, by_backslash: bool) -> _Quoted:
        bounds = _bounds(values)
        bounds -= bounds[0]
        data = np.frombuffer(text + b"\n", np.uint8)
        quotes = structural_quotes(data[:-1], by_backslash=by_backslash)
        return cls(data, bounds, quotes, np.searchsorted(quotes, bounds))

    def with_quotes_out_of_place(
        self, opens: npt.NDArray[np.bool_], closes: npt.NDArray[np.bool_], backslash_is_in_doubt: bool
    ) -> Indices:
        row = np.repeat(np.arange(len(self.bounds) - 1), np.diff(self.quotes_before))
        is_opening = (np.arange(len(self.quotes)) - self.quotes_before[row]) % 2 == 0
        in_front, behind = self.data[self.quotes - 1], self.data[self.quotes + 1]
        is_first = self.quotes == self.bounds[row]
        is_plain = np.where(is_opening, is_first | opens[in_front], closes[behind])
        if backslash_is_in_doubt:
            is_plain &= is_opening | (in_front != BACKSLASH)
        return row[~is_plain]

    def with_an_open_quote(self) -> Indices:
        return np.flatnonzero(np.diff(self.quotes_before) % 2 == 1)

    def with_a_lone_carriage_return(self) -> Indices:
        returns = np.flatnonzero(self.data[:-1] == CARRIAGE_RETURN)
        return self._row_of(returns[self.data[returns + 1] != NEWLINE])

    def with_a_newline_outside_quotes(self) -> Indices:
        """But for the one at the record's end."""
        newlines = np.flatnonzero(self.data[:-1] == NEWLINE)
        newlines = newlines[newlines + 1 < self.bounds[self._row_of(newlines) + 1]]
        row = self._row_of(newlines)
        is_outside = (np.searchsorted(self.quotes, newlines) - self.quotes_before[row]) % 2 == 0
        return row[is_outside]

    def _row_of(self, places: Indices) -> Indices:
        return np.searchsorted(self.bounds, places, side="right") - 1


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
