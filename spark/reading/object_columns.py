"""The layout of a file of objects, which has no header: its columns are the keys that occur in it."""

from __future__ import annotations

from spark.mapping.file_plan import FilePlan
from spark.mapping.source_mapping import SourceMapping
from spark.reading.header import HeaderError, Layout


def layout_of_keys(keys: tuple[str, ...], mapping: SourceMapping, encoding: str) -> Layout:
    """The columns of objects with these keys. What no object has, and the mapping or an event needs, is a column
    without a value, so that rows are judged and not the file.

    Raises:
        HeaderError: none of the keys is a field of ours.
    """
    plan, columns = FilePlan.of(keys, mapping), keys
    if not plan.fit:
        names = "1 key" if len(keys) == 1 else f"{len(keys):,} keys"
        layout = Layout(columns, encoding=encoding, format="json")
        raise HeaderError("no_header", f"Its objects, of {names}, name none of our fields.", layout)
    while plan.absent or plan.missing:
        columns = (*columns, *(plan.absent or plan.missing))
        plan = FilePlan.of(columns, mapping)
    return Layout(columns, encoding=encoding, format="json")
