"""Samples of event files, read as the stream would read them.

Which files are looked at, and their first records.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import TypeVar

import numpy as np
import pyarrow as pa

from clickstream_assets.file_names import is_ignored, ledger_path
from spark.cleaning.clean import Cleaning
from spark.cleaning.cleaned import Cleaned
from spark.cleaning.file_shape import FileShape
from spark.cleaning.time_bounds import TimeBounds
from spark.content.content import Content
from spark.content.errors import ContentChanged, ContentError
from spark.discovery.candidate import PROBLEMS, Candidate
from spark.discovery.discovery import Discovery
from spark.inspection.dialect import escapes_by_backslash
from spark.inspection.inspecting import ESCAPES, check_path
from spark.inspection.trailing import fitted
from spark.mapping.file_plan import FilePlan
from spark.mapping.source_mapping import SourceMapping
from spark.reading.fields import Columns
from spark.reading.header import Format, HeaderError, Layout
from spark.reading.kinds import layout_of_keys, objects_format, peeked, preamble_of_objects, unfolding_of
from spark.reading.objects import Keys
from spark.reading.parquet_files import ParquetFile, is_parquet
from spark.reading.parquet_rows import Rows
from spark.reading.preamble import Preamble, in_spite_of, read_beginning
from spark.reading.quotes import BY_BACKSLASH
from spark.reading.records import Records, dialect_of, split_blocks
from spark.reading.value_lines import value_lines
from spark.sample.faults import Fault, all_faults

SHOWN_BYTES = 200  # of a record

Item = TypeVar("Item")


@dataclass(frozen=True)
class Looked:
    """The first records of a file whose columns are known, whether or not events can be read by them."""

    layout: Layout
    plan: FilePlan
    texts: dict[int, list[str | None]]  # by the position of the column; null in rows that cannot be split
    line_numbers: list[int]
    raw: list[bytes]  # the beginning of each record
    faults: list[Fault]

    @property
    def absent(self) -> tuple[str, ...]:
        """The fields that no object of JSON has, though a column was made for them."""
        if not self.layout.has_objects:
            return ()
        columns = self.plan.positions_of_fields
        return tuple(field for field, at in columns.items() if not any(self.texts[at]))


@dataclass(frozen=True)
class Sample:
    """The first records of one file; `reason` and `detail` say why there is no `layout`."""

    path: bytes
    layout: Layout | None = None
    reason: str | None = None  # as `ingest_files` would have it
    detail: str | None = None
    cleaned: Cleaned | None = None  # file_id is the sample's number
    looked: Looked | None = None


@dataclass(frozen=True)
class Found:
    """What is in a directory: the files that the stream would take, as they landed, and what it leaves alone."""

    files: list[Candidate]
    ignored: list[bytes]


def find_files(
    root: bytes, *, follow_links: bool = False, ignores: Callable[[bytes], bool] = is_ignored
) -> Found:
    """Look at `root`. `follow_links`: also out of it. `ignores`: which names are left alone."""
    discovery = Discovery(root, settle_seconds=0, follow_links=follow_links, ignores=ignores)
    discovery.sweep_now()
    return Found(discovery.settled(), discovery.ignored)


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of `items`, evenly spread, with the first and the last."""
    if len(items) <= most:
        return list(items)
    if most == 1:
        return [items[-1]]
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def sample_file(
    root: bytes,
    candidate: Candidate,
    number: int,
    rows: int,
    mapping: SourceMapping,
    bounds: TimeBounds,
    *,
    follow_links: bool = False,
) -> Sample:
    """Read the header, and clean the first `rows` records. The dialect is the mapping's, or that of the first block."""
    path = candidate.path
    if candidate.problem is not None:
        return Sample(path, reason=candidate.problem, detail=PROBLEMS[candidate.problem])
    try:
        with Content(os.path.join(root, path), None if follow_links else root) as content:
            if content.state.size_bytes == 0:
                return Sample(path, reason="empty_file", detail="It has no bytes.")
            problems: list[HeaderError] = []
            first_of = _first_rows if is_parquet(content) else _first_of_text
            layout, first = first_of(content, path, mapping, rows, problems)
            try:
                check_path(layout, mapping, ledger_path(path))
            except HeaderError as error:
                problems.append(error)
            shape = FileShape.of(layout, mapping).at(ledger_path(path))
            looked = _looked(first, layout, shape, mapping, bounds) if first else None
            if problems:
                return Sample(path, reason=problems[0].reason, detail=problems[0].detail, looked=looked)
            if first is None:
                return Sample(path, layout)
            cleaned = Cleaning(mapping).clean(first, shape, number, bounds)
            return Sample(path, layout, cleaned=cleaned, looked=looked)
    except (ContentError, HeaderError) as error:
        return Sample(path, reason=error.reason, detail=error.detail)
    except ContentChanged as error:
        return Sample(path, reason="changed", detail=f"It changed meanwhile: {error}.")


def _first_of_text(
    content: Content, path: bytes, mapping: SourceMapping, rows: int, problems: list[HeaderError]
) -> tuple[Layout, Records | None]:
    """The layout of CSV or JSON, and at most `rows` records; `problems` takes the error where there is one, and
    columns all the same."""
    compression = content.compression(path)
    encoding = content.encoding(compression, mapping.encoding)
    beginning, blocks = peeked(content.text_blocks(compression, encoding=encoding))
    form = objects_format(beginning, mapping)
    if form is not None:
        if form == "json_values":
            blocks = value_lines(blocks, unfolding_of(mapping))
        preamble, layout, blocks = _objects(blocks, mapping, encoding, form, rows, problems)
    else:
        preamble, layout, blocks = read_beginning(blocks, mapping, problems)
        layout, blocks = fitted(replace(layout, escape=ESCAPES[mapping.escape], encoding=encoding), blocks)
    offset, line = len(preamble), preamble.next_line
    first_block = list(islice(blocks, 1))
    if (mapping.escape, form) == (None, None) and escapes_by_backslash(
        iter(first_block), offset=offset, line=line, layout=layout
    ):
        layout = replace(layout, escape=BY_BACKSLASH)
    dialect = dialect_of(layout)
    runs = split_blocks(chain(first_block, blocks), offset=offset, line=line, dialect=dialect)
    return layout, _first_records(runs, rows)


def _first_rows(
    content: Content, _path: bytes, mapping: SourceMapping, rows: int, problems: list[HeaderError]
) -> tuple[Layout, Rows | None]:
    """The same of Parquet."""
    file = ParquetFile(content)
    try:
        layout = file.layout(mapping)
    except HeaderError as error:
        layout = in_spite_of(error, problems)
    return layout, file.first_rows(rows)


def _objects(
    blocks: Iterator[bytes],
    mapping: SourceMapping,
    encoding: str,
    form: Format,
    rows: int,
    problems: list[HeaderError],
) -> tuple[Preamble, Layout, Iterator[bytes]]:
    """As `read_beginning`, of JSON: by the keys of the first objects."""
    preamble, blocks = preamble_of_objects(blocks)
    keys, taken, lines = Keys(), [], 0
    for block in blocks:
        taken.append(block)
        keys.see(block)
        if (lines := lines + block.count(b"\n")) >= rows:
            break
    try:
        layout = layout_of_keys(keys.names, mapping, encoding, form)
    except HeaderError as error:
        layout = in_spite_of(error, problems)
    return preamble, layout, chain(taken, blocks)


def _looked(
    records: Records | Rows, layout: Layout, shape: FileShape, mapping: SourceMapping, bounds: TimeBounds
) -> Looked:
    columns = Columns.of(layout, range(len(layout.columns)))
    prepared = Cleaning(mapping).prepare(records, replace(shape, columns=columns), bounds)
    texts = {at: column.to_pylist() for at, column in prepared.split.texts.items()}
    _, _, values = records.evidence(np.arange(len(records)))
    raw = [value[:SHOWN_BYTES] for value in values]
    return Looked(layout, shape.plan, texts, records.line_numbers.tolist(), raw, all_faults(prepared.facts))


def _first_records(runs: Iterator[Records], rows: int) -> Records | None:
    """At most `rows` records of a file; None where it has none."""
    taken: list[Records] = []
    for run in runs:
        taken.append(run)
        if sum(map(len, taken)) >= rows:
            break
    if not taken:
        return None
    return Records(
        pa.concat_arrays([run.values for run in taken])[:rows],
        np.concatenate([run.line_numbers for run in taken])[:rows],
        np.concatenate([run.offsets for run in taken])[:rows],
        np.concatenate([run.lengths for run in taken])[:rows],
        np.concatenate([run.flags for run in taken])[:rows],
        taken[-1].end_offset,
        taken[-1].end_line,
    )
