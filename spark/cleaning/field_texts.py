"""The text of each field, on whole columns: what `mapping/sources` describes, evaluated.

How texts are put together, from columns and constants. What a text means is read elsewhere (`times`, `prices`, …).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.cleaning.durations import read_durations
from spark.cleaning.excerpts import excerpts
from spark.cleaning.file_shape import FileShape
from spark.cleaning.json_texts import json_values
from spark.cleaning.texts import NO_TEXT, Nothing, trimmed
from spark.cleaning.times import Times, read_times
from spark.mapping.sources import (
    Case,
    Cases,
    Column,
    Constant,
    Excerpt,
    First,
    Join,
    JsonValue,
    Lookup,
    PathPart,
    Source,
    Step,
    Sum,
)
from spark.mapping.time_formats import TimeFormats
from spark.reading.fields import Split

INVALID_JSON, INVALID_NUMBER = "invalid_json", "invalid_number"
Mask = npt.NDArray[np.bool_]

_NUMBER = r"^[+-]?[0-9]{1,30}(?:\.[0-9]{0,30})?$"


@dataclass(frozen=True)
class Defect:
    """Texts that cannot be read on the way to a field: why, which rows, and the texts."""

    reason: str
    rows: Mask
    texts: pa.StringArray


class FieldTexts:
    """The texts of one run of records. `defects` are found on the way."""

    def __init__(self, split: Split, shape: FileShape, rows: int, nothing: Nothing) -> None:
        self.defects: list[Defect] = []
        self._split, self._shape, self._rows, self._nothing = split, shape, rows, nothing
        self._columns: dict[int, pa.StringArray] = {}
        self._json: dict[int, dict[tuple[Step, ...], pa.StringArray]] = {}

    def text(self, source: Source | None) -> pa.StringArray:
        """The texts of a source: trimmed, and null where they mean nothing."""
        match source:
            case None:
                return self._none()
            case Column(_, at):
                return self._column(at)
            case Constant(text):
                return self._same(text)
            case PathPart(name):
                value = self._shape.path.get(name)
                return self._none() if value is None else self._nothing.removed(trimmed(self._same(value)))
            case JsonValue(column, steps):
                return self._json_values(column.at)[steps]
            case Join(parts, separator):
                return pc.binary_join_element_wise(*map(self.text, parts), separator)
            case First(parts):
                return pc.coalesce(*map(self.text, parts))
            case Sum(terms):
                return pc.binary_join_element_wise(*(self.text(term.of) for term in terms), " + ")
            case Excerpt(of):
                return self._nothing.removed(trimmed(excerpts(self.text(of), source)))
            case Lookup(of, words):
                return _looked_up(self.text(of), words)
            case Cases(cases, otherwise):
                found = self.text(otherwise)
                for case in reversed(cases):
                    found = pc.if_else(pa.array(self._holds(case)), case.then, found)
                return found

    def given(self, source: Source | None) -> pa.StringArray | None:
        """The texts before those that mean nothing were removed, of a field that is a column."""
        return trimmed(self._split.texts[source.at]) if isinstance(source, Column) else None

    def moments(self, source: Source | None, formats: TimeFormats) -> tuple[pa.StringArray, Times]:
        """The texts of the field of time, and the moments that they mean."""
        texts = self.text(source)
        if not isinstance(source, Sum):
            return texts, read_times(texts, formats)
        found, valid = np.zeros(self._rows, np.int64), np.ones(self._rows, bool)
        for term in source.terms:
            text = self.text(term.of)
            if term.unit is None:
                times = read_times(text, formats)
                more, good = times.microseconds, times.valid
            else:
                more, good = read_durations(text, term.unit)
            found, valid = found + np.where(good, more, 0), valid & good
        return texts, Times(found, valid)

    def _column(self, at: int) -> pa.StringArray:
        if at not in self._columns:
            self._columns[at] = self._nothing.removed(trimmed(self._split.texts[at]))
        return self._columns[at]

    def _json_values(self, at: int) -> dict[tuple[Step, ...], pa.StringArray]:
        if at not in self._json:
            paths, texts = self._shape.json_paths(at), self._column(at)
            found, wrong = json_values(texts, paths)
            if wrong.any():
                self.defects.append(Defect(INVALID_JSON, wrong, texts))
            values = [self._nothing.removed(trimmed(column)) for column in found]
            self._json[at] = dict(zip(paths, values, strict=True))
        return self._json[at]

    def _holds(self, case: Case) -> Mask:
        texts = self.text(case.of)
        if case.comparison == "missing":
            return _mask(texts.is_null())
        if case.comparison == "is":
            return _mask(pc.is_in(pc.ascii_lower(texts), pa.array(case.values, pa.string())))
        if case.comparison == "starts_with":
            lower = pc.ascii_lower(texts)
            masks = [_mask(pc.starts_with(lower, value)) for value in case.values]
            return np.logical_or.reduce(masks)
        numbers = self._numbers(texts)
        (limit,) = map(float, case.values)
        return _mask((pc.less if case.comparison == "below" else pc.greater)(numbers, limit))

    def _numbers(self, texts: pa.StringArray) -> pa.DoubleArray:
        encoded = texts.dictionary_encode()
        good = pc.match_substring_regex(encoded.dictionary, _NUMBER)
        numbers = pc.cast(pc.if_else(good, encoded.dictionary, NO_TEXT), pa.float64()).take(encoded.indices)
        wrong = _mask(pc.and_(numbers.is_null(), texts.is_valid()))
        if wrong.any():
            self.defects.append(Defect(INVALID_NUMBER, wrong, texts))
        return numbers

    def _same(self, text: str) -> pa.StringArray:
        return pa.repeat(pa.scalar(text, pa.string()), self._rows)

    def _none(self) -> pa.StringArray:
        return pa.nulls(self._rows, pa.string())


def _looked_up(texts: pa.StringArray, words: Sequence[tuple[str, str]]) -> pa.StringArray:
    encoded = texts.dictionary_encode()
    theirs, ours = (pa.array(column, pa.string()) for column in zip(*words, strict=True))
    found = ours.take(pc.index_in(pc.ascii_lower(encoded.dictionary), theirs))
    return pc.coalesce(found, encoded.dictionary).take(encoded.indices)


def _mask(column: pa.BooleanArray) -> Mask:
    found: Mask = pc.fill_null(column, False).to_numpy(zero_copy_only=False)
    return found
