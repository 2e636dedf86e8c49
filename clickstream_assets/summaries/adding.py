"""What the kinds of summaries that read events have in common: they add batch by batch, or all of them again."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

from clickstream_assets.summaries.summary import Summary, SummaryError, TakenIn
from clickstream_assets.summaries.transaction import Added, Record, Transaction


@dataclass(frozen=True)
class Batches:
    """The batches after `through` up to `target`, and between which ids their events are, where that is known."""

    through: int
    target: int
    after_id: int = 0
    before_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class AddsEvents(Summary):
    """A summary that reads events. `add` adds those of some batches."""

    add: str

    def take_in(self, run: Transaction, old: Record, row_limit: int) -> TakenIn:
        """As for every summary.

        New rows are looked for by their `id` first: batches are inserted one after the other, so theirs lie between
        those of the batches before and after, and the primary key finds them at a cost that grows neither with the
        history nor with what waits behind them. Where that is not all that the ledger counts, they are looked for by
        their batch alone.
        """
        newest: int = run.value("summaries.newest_batch")
        if newest < old.through:
            raise SummaryError(
                f"{self.name} has recorded batch {old.through}, but the ledger ends at batch {newest}: rebuild "
                f"{self.name} if the ledger was reset on purpose."
            )
        upto = self._newest_batch(run)
        target, expected = _next_batches(run, old.through, upto, row_limit)
        if target <= old.through:
            return TakenIn(old, Added(), upto)
        run.remember()
        after_id, before_id = old.last_event_id, None
        if target < upto:
            before_id = run.value("summaries.first_later_event", after_id=after_id, target=target)
        added = self._add(run, Batches(old.through, target, after_id, before_id))
        if added.events != expected and (after_id or before_id):
            run.undo()
            added = self._add(run, Batches(old.through, target))
        new = replace(
            old,
            through=target,
            last_event_id=max(old.last_event_id, added.last_event_id),
            row_count=old.row_count + added.rows_added,
        )
        return TakenIn(new, added, upto, gone=expected - added.events)

    def remake(self, run: Transaction, old: Record, row_limit: int) -> tuple[Record, Added]:
        floor = self.floor(run)
        target = self._newest_batch(run)
        self._clear(run, old, floor, target)
        position, added = 0, Added()
        while position < target:
            following, _ = _next_batches(run, position, target, row_limit)
            added += self._add(run, Batches(position, following), start=floor)
            position = following
        return self.counted(run, replace(old, through=target, last_event_id=added.last_event_id)), added

    def _newest_batch(self, run: Transaction) -> int:
        """The last batch that can be taken in now."""
        newest: int = run.value("summaries.newest_batch")
        return newest

    @abstractmethod
    def _clear(self, run: Transaction, old: Record, floor: str, target: int) -> None:
        """Delete the rows from `floor` on, before all batches up to `target` are added again."""

    @abstractmethod
    def _add(self, run: Transaction, batches: Batches, start: str | None = None) -> Added:
        """Add the events of the batches, those from `start` on where it is given."""


def _next_batches(run: Transaction, through: int, ceiling: int, row_limit: int) -> tuple[int, int]:
    """The last of the batches that come next, and how many events they inserted."""
    ((target, expected),) = run.rows(
        "summaries.next_batches", through=through, ceiling=ceiling, row_limit=row_limit
    )
    return target, expected
