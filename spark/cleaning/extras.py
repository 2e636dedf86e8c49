"""`extra`: the columns of a file that are not ours, as a JSON object per row."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

_NEEDS_ESCAPE = '[\x00-\x1f"\\\\]'
_CONTROL = "[\x00-\x1f]"


def json_objects(columns: Sequence[tuple[str, pa.StringArray]], rows: int) -> pa.StringArray:
    """A JSON object per row, with the columns that are not null there; null for a row that has none."""
    members = [_members(name, column) for name, column in columns if column.null_count < len(column)]
    if not members:
        return pa.nulls(rows, pa.string())
    # Not by null_handling="skip": it leaves rows out that have nothing but nulls (Arrow 26).
    joined = pc.binary_join_element_wise(*members, "", null_handling="replace", null_replacement="")
    joined = pc.if_else(pc.equal(pc.binary_length(joined), 0), pa.scalar(None, pa.string()), joined)
    return pc.binary_join_element_wise("{", pc.utf8_slice_codeunits(joined, 1), "}", "")


def _members(name: str, column: pa.StringArray) -> pa.StringArray:
    key = json.dumps(name, ensure_ascii=False)
    return pc.binary_join_element_wise(f',{key}:"', _escaped(column), '"', "")


def _escaped(column: pa.StringArray) -> pa.StringArray:
    """The texts as JSON has them between its quotes."""
    needs = pc.match_substring_regex(column, _NEEDS_ESCAPE)
    if not pc.any(needs).as_py():
        return column
    escaped = pc.replace_substring(pc.replace_substring(column, "\\", "\\\\"), '"', '\\"')
    rare = pc.fill_null(pc.match_substring_regex(column, _CONTROL), False)
    if not pc.any(rare).as_py():
        return escaped
    texts = [json.dumps(text, ensure_ascii=False)[1:-1] for text in column.filter(rare).to_pylist()]
    return pc.replace_with_mask(escaped, rare, pa.array(texts, pa.string()))


def with_ids(extra: pa.StringArray, ids: pa.StringArray) -> pa.StringArray:
    """`extra` with `event_id` before the rest, where `ids` has a text."""
    if ids.null_count == len(ids):
        return extra
    own = json_objects([("event_id", ids)], len(ids))
    both = pc.binary_join_element_wise(
        pc.utf8_slice_codeunits(own, 0, -1), ",", pc.utf8_slice_codeunits(extra, 1), ""
    )
    return pc.coalesce(both, own, extra)
