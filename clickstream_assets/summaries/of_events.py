"""Summaries that add up events by their time, such as `hourly_traffic`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date

from clickstream_assets.summaries.adding import AddsEvents, Batches
from clickstream_assets.summaries.summary import END
from clickstream_assets.summaries.transaction import Added, Record, Transaction


@dataclass(frozen=True, kw_only=True)
class OfEvents(AddsEvents):
    """Each row is about one stretch of time. `clear` deletes the rows from one moment to another."""

    clear: str

    def remake_day(self, run: Transaction, old: Record, day: date) -> tuple[Record, Added]:
        start, stop = self.bounds(run, day)
        run.execute(self.clear, start=start, stop=stop)
        added = self._add(run, Batches(0, old.through), start, stop)
        return self.counted(run, old), added

    def _clear(self, run: Transaction, old: Record, floor: str, target: int) -> None:
        run.execute(self.clear, start=floor, stop=END)

    def _add(
        self, run: Transaction, batches: Batches, start: str | None = None, stop: str | None = None
    ) -> Added:
        return run.add(self.add, **asdict(batches), start=start, stop=stop)
