"""The dialect of a file: whether a backslash escapes quotes in it.

All of its records are judged together.

Records in which a quote follows a quote or a backslash bear witness where they make sense in one dialect alone. A file
is of backslashes when some record says so, and none the contrary. Broken records make no sense either way, and say
nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark.reading.fields import Columns, split_records
from spark.reading.flags import Flag
from spark.reading.header import Layout
from spark.reading.lines import Dialect
from spark.reading.quotes import BY_BACKSLASH, good_record
from spark.reading.records import Records, split_blocks


def escapes_by_backslash(blocks: Iterator[bytes], *, offset: int, line: int, layout: Layout) -> bool:
    """Whether the records in `blocks`, which begin at `offset` and `line`, are of that dialect."""
    fields, delimiter = len(layout.columns), layout.delimiter
    is_shown = False
    dialect = Dialect(fields, delimiter, by_backslash=True)
    runs = split_blocks(blocks, offset=offset, line=line, dialect=dialect)
    for records in runs:
        good, bad = _witnesses(records, fields, delimiter)
        if any(_is_good(record, fields, delimiter) for record in bad):
            return False
        is_shown = is_shown or not all(_is_good(record.as_py(), fields, delimiter) for record in good)
    return is_shown


def _witnesses(records: Records, fields: int, delimiter: str) -> tuple[pa.BinaryArray, list[bytes]]:
    """The records with such quotes that make sense with backslashes, and those that do not."""
    is_witness = pc.or_(pc.match_substring(records.values, '\\"'), pc.match_substring(records.values, '""'))
    values = records.values.filter(is_witness)
    flags = records.flags[is_witness.to_numpy(zero_copy_only=False)]
    if not len(values):
        return values, []
    good = split_records(values, flags == Flag.NONE, _columns(fields, delimiter, BY_BACKSLASH)).ok
    bad = ~good & np.isin(flags, (Flag.NONE, Flag.UNBALANCED_QUOTE))
    return values.filter(pa.array(good)), values.filter(pa.array(bad)).to_pylist()


def _is_good(record: bytes, fields: int, delimiter: str) -> bool:
    """Whether it makes sense with doubled quotes."""
    return good_record(fields, delimiter, by_backslash=False).fullmatch(record) is not None


def _columns(fields: int, delimiter: str, escape: str) -> Columns:
    """One column is enough to tell whether a record can be split."""
    return Columns(fields, delimiter, escape, (0,))
