"""What an audit of conservation found."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from clickstream_assets.conservation.books import Offence, Unseen
from clickstream_assets.ledger.facts import Counts

OFFENCES_KEPT = 1_000  # named; all are counted


@dataclass(frozen=True)
class Audit:
    """The outcome. `offences` are at most OFFENCES_KEPT, `offence_count` is all of them."""

    files: int
    batches: int
    counts: Counts  # by the ledger; files delivered again included
    offences: tuple[Offence, ...]
    offence_count: int
    seconds: float
    taken_at: datetime
    rows_dropped: int = 0  # of the inserted: dropped from events by retention …
    events_from: datetime | None = None  # … which keeps those from here on
    unseen: Unseen = field(default_factory=Unseen)

    @property
    def ok(self) -> bool:
        return not self.offence_count


class Offences:
    """Those found so far."""

    def __init__(self, most: int = OFFENCES_KEPT) -> None:
        self.most = most  # to be named
        self.kept: list[Offence] = []
        self.count = 0

    def add(self, *offences: Offence) -> None:
        self.count += len(offences)
        self.kept += offences[: self.most - len(self.kept)]
