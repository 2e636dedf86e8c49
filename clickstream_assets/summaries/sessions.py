"""The summary `sessions`: it adds events to their sessions, and notes what changed for the summaries that follow it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date

from clickstream_assets.summaries.adding import AddsEvents, Batches
from clickstream_assets.summaries.summary import TakenIn
from clickstream_assets.summaries.transaction import Added, Record, Transaction


@dataclass(frozen=True, kw_only=True)
class Sessions(AddsEvents):
    """`followers` are the summaries that take its changes in; what all have taken in is deleted."""

    followers: tuple[str, ...]

    def take_in(self, run: Transaction, old: Record, row_limit: int) -> TakenIn:
        taken = super().take_in(run, old, row_limit)
        if taken.record.through > old.through:
            run.execute("sessions.trim_changes", followers=list(self.followers))
        return taken

    def remake(self, run: Transaction, old: Record, row_limit: int) -> tuple[Record, Added]:
        remade = super().remake(run, old, row_limit)
        run.execute("sessions.clear_changes")
        return remade

    def remake_day(self, run: Transaction, old: Record, day: date) -> tuple[Record, Added]:
        """Make those sessions again that have an event on the day, or are recorded as begun on it."""
        start, stop = self.bounds(run, day)
        found = run.rows("sessions.of_day", start=start, stop=stop, target=old.through)
        session_ids = [session_id for (session_id,) in found]
        floor = self.floor(run)
        run.execute("sessions.clear", start=floor, session_ids=session_ids)
        added = self._add(run, Batches(0, old.through), start=floor, session_ids=session_ids)
        run.execute("sessions.clear_changes")
        run.execute("summaries.record_rebuild", summary=self.name)
        return self.counted(run, old), added

    def _newest_batch(self, run: Transaction) -> int:
        """Through which the dimension knows every string."""
        newest: int = run.value("summaries.through", summary="user_agents")
        return newest

    def _clear(self, run: Transaction, old: Record, floor: str, target: int) -> None:
        if old.through:
            self._add(run, Batches(old.through, target))  # for the sessions that stay
        run.execute("sessions.clear", start=floor, session_ids=None)

    def _add(
        self,
        run: Transaction,
        batches: Batches,
        start: str | None = None,
        session_ids: Sequence[str] | None = None,
    ) -> Added:
        """Add the batches' events to the sessions that started at `start` or later and are among `session_ids`."""
        return run.add(self.add, **asdict(batches), kept_before=start, session_ids=session_ids)
