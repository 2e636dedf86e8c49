"""Which records all CSV parsers read alike.

Belongs here: quotes, line ends, and where parsers disagree about them. Does not belong here: splitting (`fields`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

NEWLINE, CARRIAGE_RETURN, QUOTE = 0x0A, 0x0D, 0x22


def regular_records(
    values: pa.BinaryArray, text: bytes, delimiter: str, *, all_candidates: bool
) -> npt.NDArray[np.bool_]:
    """Whether a record is one line whose quotes only open and close whole fields.

    Parsers disagree on anything else: a quote within a field, text after a closing quote, a lone carriage return.
    """
    regular = np.ones(len(values), bool)
    if all_candidates and _is_plainly_regular(text, len(values), delimiter):
        return regular
    bounds = _bounds(values)
    bounds -= bounds[0]
    data = np.frombuffer(text + b"\n", np.uint8)  # one more, so that the last byte has a successor
    separators = np.zeros(256, bool)
    separators[[ord(delimiter), NEWLINE, CARRIAGE_RETURN]] = True

    def row_of(positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.searchsorted(bounds, positions, side="right") - 1

    newlines = np.flatnonzero(data[:-1] == NEWLINE)
    row = row_of(newlines)
    regular[row[newlines + 1 < bounds[row + 1]]] = False
    returns = np.flatnonzero(data[:-1] == CARRIAGE_RETURN)
    regular[row_of(returns[data[returns + 1] != NEWLINE])] = False
    quotes = np.flatnonzero(data[:-1] == QUOTE)
    row = row_of(quotes)
    opens = (np.arange(len(quotes)) - np.searchsorted(row, row, side="left")) % 2 == 0
    begins = (quotes == bounds[row]) | (data[quotes - 1] == ord(delimiter))
    regular[row[~np.where(opens, begins, separators[data[quotes + 1]])]] = False
    regular[np.bincount(row, minlength=len(values)) % 2 == 1] = False
    return regular


def _is_plainly_regular(text: bytes, rows: int, delimiter: str) -> bool:
    """Whether all records are regular, told without looking at each: the usual case, five times quicker."""
    data = np.frombuffer(b"\n" + text + b"\n", np.uint8)
    # The two newlines that are not the text's, less the one that a last record without an end lacks.
    if np.count_nonzero(data == NEWLINE) != rows + 2 - (not text.endswith(b"\n")):
        return False
    if b"\r" in text and text.count(b"\r") != text.count(b"\r\n"):
        return False
    quotes = np.flatnonzero(data == QUOTE)
    if len(quotes) % 2:
        return False
    separators = np.zeros(256, bool)
    separators[[ord(delimiter), NEWLINE]] = True
    if not separators[data[quotes[0::2] - 1]].all():
        return False
    separators[CARRIAGE_RETURN] = True
    # Between the quotes of a pair there is no newline: each newline was one record's end above.
    return bool(separators[data[quotes[1::2] + 1]].all())


def _bounds(values: pa.BinaryArray | pa.StringArray) -> npt.NDArray[np.int64]:
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    return offsets.astype(np.int64)


def buffer_of(values: pa.BinaryArray | pa.StringArray) -> bytes:
    """The values end to end, as they lie in Arrow's buffer."""
    bounds = _bounds(values)
    return values.buffers()[2][int(bounds[0]) : int(bounds[-1])].to_pybytes()
