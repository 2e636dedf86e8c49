"""What is asked of the generator.

The two specifications and their checks. What was done is in `truth`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from clickstream_assets.errors import SettingsError

Ids = Literal["random", "time-ordered"]

# Where a seeded history ends unless told: a seed must give the same bytes tomorrow.
SEEDED_UNTIL = datetime(2025, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2000, 1, 8, tzinfo=UTC)  # late events reach days further back, and must stay after 2000
DEFAULT_DAYS = 7.0
MOST_EVENTS = 10**12


def _check_shares(duplicates: float, malformed: float, late: float) -> None:
    for name, share in (("duplicates", duplicates), ("malformed", malformed), ("late", late)):
        if not 0 <= share <= 1:
            raise SettingsError(f"{name} is {share!r}: give a share from 0 to 1.")
    if duplicates + malformed + late > 1 + 1e-9:
        raise SettingsError("duplicates, malformed and late come to more than all rows: lower their shares.")
    if duplicates and duplicates + malformed > 1 - 1e-9:
        raise SettingsError("duplicates repeat good rows, and no good row is left: lower the shares.")


@dataclass(frozen=True)
class GenerationSpec:
    """A finished history: `events` rows in `files` files, spread over some days.

    Attributes:
        events: rows in total, the duplicate and malformed ones among them.
        files: as many files, of equal rows (they differ by one at most); later files hold later events.
        duplicates: share of all rows, 0 to 1: earlier good rows once more, byte for byte.
        malformed: share of all rows that no strict parser takes.
        late: share of all rows: good events hours to days older than the others of their file.
        seed: the same seed and the same other values give the same bytes. None: different each time.
        until: end of the history; a time without zone is UTC. Default: now, or SEEDED_UNTIL with a seed.
        start: begin of the history. Default: `days` before the end.
        days: length of the history, where `start` is not given.
        ids: `random` (UUIDv4) or `time-ordered` (UUIDv7 of the event's time) event ids.
    """

    events: int
    files: int = 1
    duplicates: float = 0.0
    malformed: float = 0.0
    late: float = 0.0
    seed: int | None = None
    until: datetime | None = None
    start: datetime | None = None
    days: float = DEFAULT_DAYS
    ids: Ids = "random"

    def check(self) -> None:
        """Raises:
        SettingsError: the values contradict each other or cannot be used.
        """
        if not 1 <= self.events <= MOST_EVENTS:
            raise SettingsError(f"events is {self.events}: give a number from 1 to 10^12.")
        if not 1 <= self.files <= self.events:
            raise SettingsError(
                f"files is {self.files}: give at least 1, and no more than there are events ({self.events})."
            )
        if self.seed is not None and self.seed < 0:
            raise SettingsError(f"seed is {self.seed}: give a number that is not negative.")
        if self.ids not in ("random", "time-ordered"):
            raise SettingsError(f"ids is '{self.ids}': give random or time-ordered.")
        _check_shares(self.duplicates, self.malformed, self.late)
        if self.good_rows == 0 and self.duplicate_rows:
            raise SettingsError("duplicates repeat good rows, and no good row is left: lower the shares.")
        self.period()

    @property
    def duplicate_rows(self) -> int:
        return min(round(self.events * self.duplicates), self.events)

    @property
    def malformed_rows(self) -> int:
        return min(round(self.events * self.malformed), self.events - self.duplicate_rows)

    @property
    def good_rows(self) -> int:
        """Rows that are neither duplicate nor malformed: the unique events."""
        return self.events - self.duplicate_rows - self.malformed_rows

    @property
    def late_rows(self) -> int:
        return min(round(self.events * self.late), self.good_rows)

    def period(self, now: datetime | None = None) -> tuple[datetime, datetime]:
        """Begin and end of the history, in UTC.

        Raises:
            SettingsError: the period is empty, begins before 2000 or ends in the future.
        """
        now = now or datetime.now(UTC)
        until = in_utc(self.until) if self.until else (now if self.seed is None else SEEDED_UNTIL)
        try:
            start = in_utc(self.start) if self.start else until - timedelta(days=self.days)
        except (OverflowError, ValueError):
            raise SettingsError(f"days is {self.days:g}: that is before the year 2000.") from None
        if until > now:
            raise SettingsError(f"until is {until:%Y-%m-%d %H:%M} UTC: events of the future are no events.")
        if start >= until:
            raise SettingsError(
                f"the period is empty: it starts at {start:%Y-%m-%d %H:%M} UTC, after its end."
            )
        if start < EARLIEST:
            raise SettingsError(
                f"the period starts on {start:%Y-%m-%d}: give a start after {EARLIEST:%Y-%m-%d}."
            )
        return start, until


@dataclass(frozen=True)
class LiveSpec:
    """A running shop: `rate` events per second, now, in a file per `interval`, until stopped.

    Attributes:
        rate: rows per second, the duplicate and malformed ones among them; above 0.
        events: stop after so many rows. None: go on until stopped.
        interval: seconds from file to file.
        duplicates, malformed, late, ids: as in `GenerationSpec`; the shares hold exactly over all rows if
            `events` is given, else over each million.
        seed: repeats the visitors and what they do; the times are the real ones.
    """

    rate: float
    events: int | None = None
    interval: float = 1.0
    duplicates: float = 0.0
    malformed: float = 0.0
    late: float = 0.0
    seed: int | None = None
    ids: Ids = "random"

    def check(self) -> None:
        """Raises:
        SettingsError: the values contradict each other or cannot be used.
        """
        if not 0 < self.rate <= 1_000_000:
            raise SettingsError(
                f"rate is {self.rate:g}: give events per second, above 0 and up to 1,000,000."
            )
        if not 0.01 <= self.interval <= 3600:
            raise SettingsError(f"interval is {self.interval:g}: give seconds from 0.01 to 3600.")
        self.whole().check()

    def whole(self) -> GenerationSpec:
        """The same shares as a finished history, over which they are exact."""
        return GenerationSpec(
            events=1_000_000 if self.events is None else self.events,
            duplicates=self.duplicates,
            malformed=self.malformed,
            late=self.late,
            seed=self.seed,
            ids=self.ids,
        )


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; a time without zone is taken as UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
