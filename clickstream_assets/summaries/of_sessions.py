"""Summaries that follow `sessions`: they take its changes in, and read no events."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from clickstream_assets.summaries.summary import END, Summary, TakenIn
from clickstream_assets.summaries.transaction import Added, Record, Transaction


@dataclass(frozen=True, kw_only=True)
class OfSessions(Summary):
    """A follower of sessions. `add` adds their changes, `clear` deletes the rows from one moment to another, and
    `rebuild` makes these from sessions."""

    add: str
    clear: str
    rebuild: str

    def take_in(self, run: Transaction, old: Record, row_limit: int) -> TakenIn:
        """Take the changes of sessions in, or all of it where it was recomputed."""
        ((through, generation),) = run.rows("summaries.lock_source")
        if generation != old.source_generation or through < old.through:
            new, added = self.remake(run, old, row_limit)
            return TakenIn(new, added, new.through)
        if through == old.through:
            return TakenIn(old, Added(), through)
        added = run.add(self.add, through=old.through, target=through)
        new = replace(old, through=through, row_count=old.row_count + added.rows_added)
        return TakenIn(new, added, through)

    def remake(self, run: Transaction, old: Record, row_limit: int) -> tuple[Record, Added]:
        ((through, generation),) = run.rows("summaries.lock_source")
        added = self._remake(run, self.floor(run), END)
        return self.counted(run, replace(old, through=through, source_generation=generation)), added

    def remake_day(self, run: Transaction, old: Record, day: date) -> tuple[Record, Added]:
        followed = self.take_in(run, old, 0)
        added = self._remake(run, *self.bounds(run, day))
        return self.counted(run, followed.record), followed.added + added

    def floor(self, run: Transaction) -> str:
        moment: str = run.value("summaries.floor_of_sessions", floor_of_events=super().floor(run))
        return moment

    def _remake(self, run: Transaction, start: str, stop: str) -> Added:
        run.execute(self.clear, start=start, stop=stop)
        return run.add(self.rebuild, start=start, stop=stop)
