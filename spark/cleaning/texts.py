"""Texts of fields: blanks around them are trimmed, and some words mean that there is no value."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.mapping.letters import BLANKS, ascii_lower

NO_TEXT = pa.scalar(None, pa.string())

# Bytes that a blank begins or ends with in UTF-8: every other text needs no trimming.
_MAY_BE_BLANK = np.zeros(256, bool)
_MAY_BE_BLANK[[byte for blank in BLANKS for byte in (blank.encode()[0], blank.encode()[-1])]] = True


def bytes_of(column: pa.StringArray | pa.BinaryArray) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """The bounds of each value, and the bytes that they are bounds in: value i is `data[bounds[i]:bounds[i + 1]]`."""
    _, offsets, data = column.buffers()
    bounds = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    text = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return bounds.astype(np.int64), text


def trimmed(column: pa.StringArray) -> pa.StringArray:
    """`column` without the blanks around its texts."""
    bounds, data = bytes_of(column)
    filled = bounds[1:] > bounds[:-1]
    if not filled.any():
        return column
    first, last = data[bounds[:-1][filled]], data[bounds[1:][filled] - 1]
    if not (_MAY_BE_BLANK[first].any() or _MAY_BE_BLANK[last].any()):
        return column
    return pc.utf8_trim(column, BLANKS)


class Nothing:
    """The words that mean "no value", in lower case; the empty text always does."""

    def __init__(self, words: Iterable[str]) -> None:
        known = sorted({ascii_lower(word) for word in words} | {""})
        self._words = pa.array(known, pa.string())
        self._longest = max(len(word.encode()) for word in known)
        self._first = np.zeros(256, bool)
        for word in known:
            for letter in (word[:1], word[:1].upper()):
                self._first[list(letter.encode()[:1])] = True

    def removed(self, column: pa.StringArray) -> pa.StringArray:
        """`column` with null for the words. Case counts for ASCII letters alone."""
        bounds, data = bytes_of(column)
        lengths = np.diff(bounds)
        suspicious = lengths <= self._longest
        filled = np.flatnonzero(suspicious & (lengths > 0))
        suspicious[filled] = self._first[data[bounds[:-1][filled]]]
        if column.null_count:
            suspicious &= column.is_valid().to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(suspicious)
        if not len(rows):
            return column
        is_word = pc.is_in(pc.ascii_lower(column.take(pa.array(rows))), self._words)
        rows = rows[is_word.to_numpy(zero_copy_only=False)]
        if not len(rows):
            return column
        mask = np.zeros(len(column), bool)
        mask[rows] = True
        return pc.if_else(pa.array(mask), NO_TEXT, column)
