"""From the samples of a directory to a proposed mapping, tried on the same files."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from clickstream_assets.file_names import ledger_path
from spark.mapping.mapping_file import mapping_of
from spark.mapping.source_mapping import SourceMapping
from spark.reading.header import Layout
from spark.sample.guesses import action_of
from spark.sample.profile import profiles
from spark.sample.proposal import propose
from spark.sample.proposal_text import quoted
from spark.sample.report import by_layout
from spark.sample.sampling import Sample

OTHER_DELIMITERS = ("\x01", "~", "^", "\x1f", " ")  # that are tried, beside those that are found
MOST_FIELDS_OF_TEXT = 4  # so many make a row; fewer may be a sentence
ENCODINGS = ("", "windows-1252", "utf-16-le", "utf-16-be")  # that are tried

Sampling = Callable[[SourceMapping], list[Sample]]
_LOOKS_LIKE_A_VALUE = re.compile(r"[+-]?[0-9][0-9.,:/ TZ+-]*|[0-9a-fA-F-]{32,36}|\s*")


def proposed(sampling: Sampling) -> str | None:
    """A mapping for the files that `sampling` finds, as TOML; None: no columns were found in any of them.

    Of files with several headers, it is for those with the most rows.
    """
    encoding, samples = _encoding(sampling)
    tables: dict[str, dict[str, Any]] = {"format": {"encoding": encoding}} if encoding else {}
    groups = by_layout(samples)
    if not groups:
        return None
    layout, alike = max(groups.items(), key=lambda group: sum(map(_rows, group[1])))
    delimiter = None
    if layout.format == "csv" and len(layout.columns) <= 2:
        delimiter, tables = _with_delimiter(sampling, tables)
    if delimiter is not None:
        groups = by_layout(sampling(mapping_of(tables, "")))
        layout, alike = max(groups.items(), key=lambda group: sum(map(_rows, group[1])))
    columns, has_header = layout.columns, True
    if alike[0].reason == "no_header" and _is_row(layout):
        columns, has_header = tuple(f"column_{at}" for at in range(1, len(layout.columns) + 1)), False
        tables.setdefault("format", {}).update(header=list(columns), delimiter=layout.delimiter)
        alike = max(
            by_layout(sampling(mapping_of(tables, ""))).values(), key=lambda group: sum(map(_rows, group))
        )
    looked = [sample.looked for sample in alike if sample.looked is not None]
    names_of_columns = [name.strip() or None for name in columns]
    rows = [row for one in looked for row in zip(*one.texts.values(), strict=True) if any(row)]
    rows = [row for row in rows if [cell and cell.strip() for cell in row] != names_of_columns]
    texts = [[row[at] for row in rows] for at in range(len(columns))]
    names = [ledger_path(sample.path).rpartition("/")[2] for sample in alike]
    proposal = propose(
        columns,
        profiles(columns, texts),
        has_header=has_header,
        action=_action_of_names(names),
        is_json=layout.has_objects,
    )
    if delimiter is not None:
        proposal.add(
            "format", f"delimiter = {quoted(delimiter)}", "most lines have as many of it as the first"
        )
    if encoding:
        proposal.add(
            "format", f'encoding = "{encoding}"', "the text is not UTF-8; do its letters look right?"
        )
    for other in groups:
        if other.columns != layout.columns:
            count = len(other.columns)
            proposal.known.append(
                f"Other files have other columns ({count}): give them a mapping of their own."
            )
    return proposal.toml()


def _encoding(sampling: Sampling) -> tuple[str | None, list[Sample]]:
    """The encoding by which most rows are text, and the samples by it; None: they are UTF-8, or say it themselves."""
    samples = sampling(mapping_of({}, ""))
    if not any(sample.reason == "not_text" or _bad_rows(sample) for sample in samples):
        return None, samples
    tried = {
        name: sampling(mapping_of({"format": {"encoding": name}} if name else {}, "")) for name in ENCODINGS
    }
    rows = {name: sum(_rows(one) - _bad_rows(one) for one in found) for name, found in tried.items()}
    best = max(ENCODINGS, key=lambda name: rows[name])  # of those that are equal, the first
    return best or None, tried[best]


def _with_delimiter(
    sampling: Sampling, tables: dict[str, dict[str, Any]]
) -> tuple[str | None, dict[str, dict[str, Any]]]:
    """A delimiter that is not found by itself, by which most rows have as many fields as the first line; and the tables
    with it."""
    for delimiter in OTHER_DELIMITERS:
        own = tables | {"format": tables.get("format", {}) | {"delimiter": delimiter}}
        groups = by_layout(sampling(mapping_of(own, "")))
        if not groups:
            continue
        layout, alike = max(groups.items(), key=lambda group: len(group[0].columns))
        rows = sum(map(_rows, alike))
        if len(layout.columns) >= MOST_FIELDS_OF_TEXT and _odd_rows(alike) * 5 <= rows:
            return delimiter, own
    return None, tables


def _odd_rows(samples: Sequence[Sample]) -> int:
    looked = [sample.looked for sample in samples if sample.looked is not None]
    faults = [fault for one in looked for fault in one.faults]
    return sum(len(fault.rows) for fault in faults if fault.reason in ("field_count", "text_after_quote"))


def _bad_rows(sample: Sample) -> int:
    faults = () if sample.looked is None else sample.looked.faults
    return sum(len(fault.rows) for fault in faults if fault.reason in ("invalid_utf8", "nul_byte"))


def _rows(sample: Sample) -> int:
    return 0 if sample.looked is None else len(sample.looked.line_numbers)


def _is_row(layout: Layout) -> bool:
    """Whether a first line looks like values, not like names."""
    values = Counter(_LOOKS_LIKE_A_VALUE.fullmatch(cell.strip()) is not None for cell in layout.columns)
    return values[True] >= values[False]


def _action_of_names(names: Sequence[str]) -> str | None:
    """The action that all names of files speak of."""
    found = {action_of(name) for name in names}
    return found.pop() if len(found) == 1 else None
