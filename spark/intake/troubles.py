"""Which sources are in trouble: told to the ledger and in the log, whenever that changes."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from spark.intake.source_records import SourceRecords

log = logging.getLogger("clickstream.intake")


class Troubles:
    """Raises, wherever it writes, LeaseLost and what the database raises; then it tells the same once more."""

    def __init__(self, records: SourceRecords) -> None:
        self._records = records
        self._problems: dict[str, str | None] = {}  # as they are recorded
        self._fault: str | None = None

    def begin(self, sources: Iterable[str]) -> None:
        """These were recorded just now, without a problem and without a fault."""
        self._problems = dict.fromkeys(sources)
        self._fault = None

    def tell(self, source: str, problem: str | None) -> None:
        """Why the files of a source are not taken; None: they are."""
        if problem == self._problems[source]:
            return
        self._records.record_problem(source, problem)
        self._problems[source] = problem
        if problem is None:
            log.info("source %s: its files are taken again", source)
        else:
            log.warning("source %s: %s; the other sources go on", source, problem)

    def tell_fault(self, fault: str | None) -> None:
        """Why a newer version of the sources' file is not in force."""
        if fault != self._fault:
            self._records.record_fault(fault)
            self._fault = fault
