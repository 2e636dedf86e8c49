"""What every kind of summary can do inside a transaction, once its record is locked: the base of the kinds.

There are four kinds: tables that add up events (`of_events`), `sessions`, tables that follow sessions (`of_sessions`),
and the dimension `user_agents` (`dimension`). `refresh` says why the result is exact.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from datetime import date, timedelta

from clickstream_assets.errors import ClickstreamError
from clickstream_assets.summaries.transaction import Added, Record, Transaction

END = "infinity"  # of time, as PostgreSQL writes it


class SummaryError(ClickstreamError):
    """A summary cannot be brought up to date. The message is one sentence: what, and what to do."""


@dataclass(frozen=True)
class TakenIn:
    """What one transaction of a refresh has taken in."""

    record: Record
    added: Added
    upto: int  # the last batch that there was to take in
    gone: int = 0  # events of these batches that are not stored any more


@dataclass(frozen=True, kw_only=True)
class Summary(ABC):
    """A table that is kept up to date by adding what is new.

    The statements, by their names: `count` counts all rows, `preview` shows some, and `audit` compares a day with what
    the table is made from.
    """

    name: str
    made_from: tuple[str, ...]  # the assets
    count: str
    preview: str
    audit: str
    needs: tuple[str, ...] = ()  # the summaries that are refreshed before it

    @abstractmethod
    def take_in(self, run: Transaction, old: Record, row_limit: int) -> TakenIn:
        """Take in the batches that come next, about `row_limit` events.

        Raises:
            SummaryError: the ledger ends before the summary's record does.
        """

    @abstractmethod
    def remake(self, run: Transaction, old: Record, row_limit: int) -> tuple[Record, Added]:
        """Clear it from the oldest stored event on, and make it again, `row_limit` events at a time."""

    @abstractmethod
    def remake_day(self, run: Transaction, old: Record, day: date) -> tuple[Record, Added]:
        """Make one day (UTC) again, as of the batches that it has recorded.

        Raises:
            SummaryError: no partition holds the day's events (any more), or it has no days.
        """

    def floor(self, run: Transaction) -> str:
        """From when on everything is stored that the rows were made from."""
        moment: str = run.value("summaries.floor_of_events")
        return moment

    def bounds(self, run: Transaction, day: date) -> tuple[str, str]:
        """Where `day` begins and ends.

        Raises:
            SummaryError: see `remake_day`.
        """
        start, stop = f"{day} 00:00:00+00", f"{day + timedelta(days=1)} 00:00:00+00"
        if not run.value("summaries.starts_at_or_after", start=start, floor=self.floor(run)):
            raise SummaryError(
                f"no events of {day} are stored (any more): {self.name} keeps the rows that it has of that day."
            )
        return start, stop

    def counted(self, run: Transaction, record: Record) -> Record:
        """`record` with the number of the rows, counted anew."""
        return replace(record, row_count=run.value(self.count))
