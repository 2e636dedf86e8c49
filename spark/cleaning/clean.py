"""The one cleaning: records of a file, split into texts, become events and rejects.

For every header, mapping and kind of id, for both sinks and for `check-source`. Nothing is dropped: each record leaves
as an event or as a reject.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark.cleaning.cleaned import Cleaned, Occurrences, event_batch, reject_batch
from spark.cleaning.extras import json_objects
from spark.cleaning.field_texts import FieldTexts
from spark.cleaning.file_shape import FileShape
from spark.cleaning.prices import read_prices
from spark.cleaning.rules import Facts, broken_rules
from spark.cleaning.texts import Nothing, trimmed
from spark.cleaning.time_bounds import TimeBounds
from spark.cleaning.vocabulary import ACTIONS
from spark.mapping.letters import BLANKS, ascii_lower
from spark.mapping.source_mapping import SourceMapping
from spark.mapping.sources import Cases, Column, Source, parts_of
from spark.mapping.time_formats import TimeFormats
from spark.reading.fields import Split, split_records
from spark.reading.flags import Flag
from spark.reading.header import FIELDS
from spark.reading.objects import split_objects
from spark.reading.parquet_rows import Rows, split_rows
from spark.reading.records import Records


@dataclass(frozen=True)
class Prepared:
    """Records on the way from texts to events."""

    split: Split
    found: FieldTexts
    facts: Facts
    prices: pa.StringArray


class Cleaning:
    """The cleaning for one source mapping."""

    def __init__(self, mapping: SourceMapping) -> None:
        """Raises: TimeFormatError: the mapping's format of times is none."""
        self.mapping = mapping
        self._nothing = Nothing(mapping.nothing)
        self._formats = TimeFormats(
            mapping.time_format, mapping.time_zone, mapping.time_of_day, mapping.time_zones
        )
        others = {ascii_lower(name): name for name in mapping.other_actions}
        words = {**ACTIONS, **others, **mapping.actions}
        self._words = pa.array(list(words), pa.string())
        self._ours = pa.array(list(words.values()), pa.string())
        self._others = pa.array(mapping.other_actions, pa.string())

    def clean(
        self,
        records: Records | Rows,
        shape: FileShape,
        file_id: int | npt.NDArray[np.int64],
        bounds: TimeBounds,
        occurrences: Occurrences | None = None,
    ) -> Cleaned:
        """The events and rejects of a run of records.

        Args:
            file_id: the file that they are from, or that of each of them.
            shape: which columns of the file are which fields.
            bounds: the times that an event may have.
            occurrences: numbers identical rows of the file; without it they are one event.
        """
        prepared = self.prepare(records, shape, bounds)
        facts, found, split = prepared.facts, prepared.found, prepared.split
        texts = facts.texts
        broken = broken_rules(facts)
        events = {
            **{name: texts[name] for name in FIELDS},
            "action_type": facts.actions,
            "price": prepared.prices,
            "event_time": pa.array(facts.times.microseconds),
            "line_no": pa.array(records.line_numbers),
        }
        extras = [(name, split.texts[at]) for name, at in shape.plan.extras]
        identity = [(name, found.text(Column(name, at))) for name, at in shape.plan.identity]
        file_ids = np.broadcast_to(np.asarray(file_id, np.int64), len(records))
        good = broken == 0
        if not good.all():
            chosen = pa.array(np.flatnonzero(good))
            events = {name: column.take(chosen) for name, column in events.items()}
            extras = [(name, column.take(chosen)) for name, column in extras]
            identity = [(name, column.take(chosen)) for name, column in identity]
        extra = json_objects(extras, int(good.sum()))
        return Cleaned(
            event_batch(events, identity, extra, file_ids[good], occurrences),
            reject_batch(records, facts, broken, file_ids),
        )

    def prepare(self, records: Records | Rows, shape: FileShape, bounds: TimeBounds) -> Prepared:
        """What the rules look at."""
        split = _split(records, shape)
        found = FieldTexts(split, shape, len(records), self._nothing)
        sources = dict(zip(FIELDS, shape.plan.sources, strict=True))
        texts = {field: found.text(source) for field, source in sources.items() if field != "event_time"}
        texts["event_time"], times = found.moments(sources["event_time"], self._formats)
        prices, price_reasons = read_prices(texts["price"], self.mapping.price)
        actions = self._actions(texts["action_type"])
        facts = Facts(
            flags=_flags(records, split),
            split_ok=split.ok,
            is_header=lambda: _is_header(split, shape),
            texts=texts,
            given=lambda field: found.given(sources[field]),
            defects=found.defects,
            optional=self.mapping.optional,
            actions=actions,
            is_other=self._is_other(actions),
            times=times,
            times_are_columns=_is_of_columns(sources["event_time"]),
            price_reasons=price_reasons,
            bounds=bounds,
        )
        return Prepared(split, found, facts, prices)

    def _actions(self, words: pa.StringArray) -> pa.StringArray:
        encoded = words.dictionary_encode()
        found = pc.index_in(pc.ascii_lower(encoded.dictionary), self._words)
        return self._ours.take(found).take(encoded.indices)

    def _is_other(self, actions: pa.StringArray) -> npt.NDArray[np.bool_] | None:
        if not len(self._others):
            return None
        found: npt.NDArray[np.bool_] = pc.is_in(actions, self._others).to_numpy(zero_copy_only=False)
        return found


def _split(records: Records | Rows, shape: FileShape) -> Split:
    is_candidate = records.flags == Flag.NONE
    if isinstance(records, Rows):
        return split_rows(records, is_candidate, shape.columns)
    split_by = split_objects if shape.columns.names else split_records
    return split_by(records.values, is_candidate, shape.columns)


def _is_of_columns(source: Source | None) -> bool:
    """Whether the names of the columns, for texts, are no moment."""
    parts = [] if source is None else list(parts_of(source))
    return any(isinstance(part, Column) for part in parts) and not any(
        isinstance(part, Cases) for part in parts
    )


def _is_header(split: Split, shape: FileShape) -> npt.NDArray[np.bool_]:
    """Which rows have the name of each column for its text: those of a header in mid-file."""
    found = split.ok.copy()
    for at, name in zip(shape.columns.positions, shape.names, strict=True):
        rows = np.flatnonzero(found)
        if not len(rows):
            break
        texts = pc.ascii_lower(trimmed(split.texts[at].take(pa.array(rows))))
        same = pc.equal(pc.fill_null(texts, ""), ascii_lower(name.strip(BLANKS)))
        found[rows] = same.to_numpy(zero_copy_only=False)
    return found


def _flags(records: Records | Rows, split: Split) -> npt.NDArray[np.int8]:
    return np.where(records.flags == Flag.NONE, split.flags, records.flags)
