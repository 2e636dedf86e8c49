"""Splitting records one by one, as Spark SQL: those that `fields` did not split.

Belongs here: `from_csv` and its limits. Does not belong here: the values (`cleaning`).
"""

from __future__ import annotations

from collections.abc import Mapping

from spark.fields import WHITE_SPACE
from spark.header import FIELDS, Layout

MAX_PARSED_COLUMNS = 2_000  # commas inside quotes do not count


def split_columns(layouts: Mapping[int, Layout]) -> list[str]:
    """One struct of strings a layout, null unless the record has that layout, no defect, and no fields yet."""
    text = r"trim(TRAILING '\r\n' FROM cast(value AS STRING))"
    return [
        f"CASE WHEN NOT is_split AND flag = 0 AND layout_id = {layout_id} AND {_few_enough_columns(layout)} "
        f"THEN {_from_csv(text, layout)} END AS split_{layout_id}"
        for layout_id, layout in layouts.items()
    ]


def _from_csv(text: str, layout: Layout) -> str:
    columns = ", ".join(f"c{index} STRING" for index in range(len(layout.columns)))
    options = {
        "mode": "PERMISSIVE",
        "columnNameOfCorruptRecord": "bad",
        "sep": layout.delimiter,
        "escape": '"',
        "maxColumns": str(MAX_PARSED_COLUMNS),
    }
    pairs = ", ".join(f"{literal(key)}, {literal(value)}" for key, value in options.items())
    return f"from_csv({text}, '{columns}, bad STRING', map({pairs}))"


def _few_enough_columns(layout: Layout) -> str:
    """More columns than the parser takes would end the whole batch, for ever. A short record needs no count."""
    text, delimiter = "cast(value AS STRING)", literal(layout.delimiter)
    return (
        f"(octet_length(value) < {MAX_PARSED_COLUMNS} "
        f"OR length({text}) - length(replace({text}, {delimiter}, '')) < {MAX_PARSED_COLUMNS - 1})"
    )


def literal(text: str) -> str:
    """A Spark SQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")
    return f"'{escaped}'"


def field_columns(layouts: Mapping[int, Layout]) -> list[str]:
    """The text of each field without surrounding white space, from where the reader or `split_columns` put it."""
    chosen = []
    for field in FIELDS:
        branches = [
            f"WHEN split_{layout_id} IS NOT NULL THEN split_{layout_id}.c{positions[field]}"
            for layout_id, layout in layouts.items()
            if field in (positions := layout.field_positions())
        ]
        value = f"CASE {' '.join(branches)} END" if branches else "cast(NULL AS STRING)"
        trimmed = f"trim(BOTH {literal(WHITE_SPACE)} FROM {value})"
        chosen.append(f"CASE WHEN is_split THEN in_{field} ELSE {trimmed} END AS {field}")
    return chosen


def extra_values(layout_id: int, layout: Layout) -> dict[str, str]:
    """Name and Spark SQL of each column that is not ours."""
    return {
        name: f"CASE WHEN is_split THEN extras[{number}] ELSE split_{layout_id}.c{index} END"
        for number, (name, index) in enumerate(layout.extra_columns().items())
    }
