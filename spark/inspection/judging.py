"""Whether a file is taken as it is, by the rules of its source: the columns that it may have, and how many rejects.

What intake has inspected is judged before anything of it is registered, so that a file is in whole or not at all. The
rejects are counted by the cleaning that the tasks use, over all records: with a budget, each is cleaned twice.
Rows that are too old for retention are none of a producer's faults, and count as good.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from clickstream_assets.contract import REPLAY_OF
from clickstream_assets.sources.source import Drift
from clickstream_assets.text import count, percent, printable
from spark.inspection.inspection import Inspection
from spark.mapping.source_mapping import SourceMapping

NAMED = 5  # columns or reasons in a sentence

NEW_COLUMNS = "new_columns"
LACKING_COLUMNS = "lacking_columns"
ERROR_BUDGET = "error_budget"


@dataclass
class KnownColumns:
    """The names of columns that files of a source came with."""

    headers: set[frozenset[str]] = field(default_factory=set)

    def add(self, columns: Sequence[str]) -> None:
        self.headers.add(names_of(columns))

    def drift(self, columns: Sequence[str]) -> tuple[str, str] | None:
        """The reason and the sentence where `columns` are others than those known; None where nothing is known yet."""
        if not self.headers:
            return None
        names = names_of(columns)
        if new := names - frozenset().union(*self.headers):
            return NEW_COLUMNS, f"No file of its source had these columns before: {_named(new)}."
        if lacking := frozenset.intersection(*self.headers) - names:
            return LACKING_COLUMNS, f"All files of its source had these columns before: {_named(lacking)}."
        return None


def names_of(columns: Iterable[str]) -> frozenset[str]:
    """As names are compared: their case and blanks around them say nothing, nor does their order."""
    return frozenset(column.strip().lower() for column in columns)


def judged_by_columns(inspection: Inspection, known: KnownColumns, drift: Drift) -> Inspection:
    """The inspection, held back or refused where the columns have drifted. Of a file that is taken they are noted."""
    layout = inspection.layout
    if inspection.reason or layout is None or REPLAY_OF in layout.columns:
        return inspection
    if drift != "accept" and (found := known.drift(layout.columns)) is not None:
        return replace(inspection, reason=found[0], detail=found[1], is_held=drift == "quarantine")
    known.add(layout.columns)
    return inspection


def judged_by_rejects(
    inspection: Inspection, path: bytes, ledger_path: bytes, mapping: SourceMapping, budget: float
) -> Inspection:
    """The inspection, held back where more than `budget` per cent of the records are rejects.

    Raises:
        ContentChanged: the file is another one by now.
    """
    layout = inspection.layout
    if inspection.reason or layout is None or REPLAY_OF in layout.columns or not inspection.records:
        return inspection
    # Here, for it loads the cleaning: half a second, which the driver does without where there is no budget.
    from spark.inspection.rejects import count_rejects

    rejects = count_rejects(inspection, path, ledger_path, mapping, datetime.now(UTC))
    total = rejects.total()
    if total * 100 <= budget * inspection.records:
        return inspection
    return replace(
        inspection,
        reason=ERROR_BUDGET,
        detail=over_budget(rejects, inspection.records, budget),
        is_held=True,
    )


def over_budget(rejects: Counter[str], records: int, budget: float) -> str:
    """The sentence about a file with too many of them."""
    total = rejects.total()
    reasons = ", ".join(f"{reason} {count(rows)}" for reason, rows in rejects.most_common(NAMED))
    more = ", …" if len(rejects) > NAMED else ""
    return (
        f"{count(total)} of its {count(records)} records, {percent(total / records)}, are rejects, over the budget of "
        f"{budget:g} %: {reasons}{more}."
    )


def _named(names: Iterable[str]) -> str:
    found = sorted(map(printable, names))
    more = f" and {count(len(found) - NAMED)} more" if len(found) > NAMED else ""
    return ", ".join(found[:NAMED]) + more
