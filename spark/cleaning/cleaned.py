"""What leaves the cleaning: a batch of events, with their ids, and a batch of rejects, with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clickstream_assets.contract import IDENTITY
from spark.cleaning.columns import EVENT_SCHEMA, REJECT_SCHEMA
from spark.cleaning.extras import with_ids
from spark.cleaning.identity import joined_values, name_uuids, named_values, numbered, read_uuids
from spark.cleaning.prices import with_ten_decimals
from spark.cleaning.rules import Facts, reasons_and_details
from spark.reading.parquet_rows import Rows
from spark.reading.records import KEPT_BYTES, Records

# Numbers of rows among the identical ones of their file, given the digests of their values and which of them count.
Occurrences = Callable[[npt.NDArray[np.uint64]], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class Cleaned:
    """What became of some records, each list in the order of the file."""

    events: pa.RecordBatch  # `columns.EVENT_SCHEMA`
    rejects: pa.RecordBatch  # `columns.REJECT_SCHEMA`


def event_batch(
    events: Mapping[str, pa.Array],
    identity: Sequence[tuple[str, pa.StringArray]],
    extra: pa.StringArray,
    file_ids: npt.NDArray[np.int64],
    occurrences: Occurrences | None,
) -> pa.RecordBatch:
    """The events of columns by name; `identity` are columns of the file that tell rows without an id apart."""
    ids, is_uuid = read_uuids(events["event_id"])
    if not is_uuid.all():
        has_text = events["event_id"].is_valid().to_numpy(zero_copy_only=False)
        texts = np.flatnonzero(has_text & ~is_uuid)
        if len(texts):
            ids[texts] = name_uuids(events["event_id"].take(pa.array(texts)).cast(pa.binary()).to_pylist())
            others = pc.if_else(pa.array(is_uuid), pa.scalar(None, pa.string()), events["event_id"])
            extra = with_ids(extra, others)
        nameless = np.flatnonzero(~has_text)
        if len(nameless):
            ids[nameless] = _ids_of_values(events, identity, pa.array(nameless), occurrences)
    rows = len(extra)
    found = {
        **events,
        "event_id": pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), rows, [None, pa.py_buffer(ids)]),
        "event_time": events["event_time"].cast(pa.timestamp("us", "UTC")),
        "file_id": pa.array(file_ids),
        "extra": extra,
    }
    return pa.RecordBatch.from_arrays([found[name] for name in EVENT_SCHEMA.names], schema=EVENT_SCHEMA)


def _ids_of_values(
    events: Mapping[str, pa.Array],
    identity: Sequence[tuple[str, pa.StringArray]],
    rows: pa.Int64Array,
    occurrences: Occurrences | None,
) -> npt.NDArray[np.uint8]:
    """The ids of `rows`, which bring none."""
    chosen = {name: events[name].take(rows) for name in IDENTITY}
    chosen["event_time"] = chosen["event_time"].cast(pa.string())
    chosen["price"] = with_ten_decimals(chosen["price"])
    values = [chosen[name] for name in IDENTITY]
    values += [named_values(name, column.take(rows)) for name, column in identity]
    names = joined_values(values)
    ids = name_uuids(names)
    if occurrences is not None:
        numbers = occurrences(ids[:, :8].copy().view(np.uint64)[:, 0])
        again = np.flatnonzero(numbers > 1)
        if len(again):
            ids[again] = name_uuids([numbered(names[row], int(numbers[row])) for row in again])
    return ids


def reject_batch(
    records: Records | Rows,
    facts: Facts,
    broken: npt.NDArray[np.uint8],
    file_ids: npt.NDArray[np.int64],
) -> pa.RecordBatch:
    """The records that break a rule; `broken` has the number of the first one, 0 for none."""
    rows = np.flatnonzero(broken)
    if not len(rows):
        return _no_rejects()
    reasons, details = reasons_and_details(facts, broken, rows)
    offsets, lengths, values = records.evidence(rows)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(file_ids[rows]),
            pa.array(records.line_numbers[rows]),
            pa.array(offsets),
            pa.array(lengths),
            pa.array([kept(value) for value in values], pa.binary()),
            reasons,
            details,
        ],
        schema=REJECT_SCHEMA,
    )


def _no_rejects() -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.array([], kind) for kind in REJECT_SCHEMA.types], schema=REJECT_SCHEMA
    )


def kept(record: bytes) -> bytes:
    """The evidence of a reject: the record without its line end, its first 64 KiB."""
    cut = record[:KEPT_BYTES]
    return cut[:-1].removesuffix(b"\r") if cut.endswith(b"\n") else cut
