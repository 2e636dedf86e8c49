"""The limits of the checks, all of them: at what number a check warns, and at what number it fails.

WARN means: look at it today, the data is usable. ERROR means: someone must act now, the data is late, wrong or
incomplete. Does not belong here: the limits of supervision, which lead to actions (`supervision`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "warn", "error"]


@dataclass(frozen=True)
class Limits:
    """A measure is good up to `warn_above`, and bad above `error_above`."""

    warn_above: float
    error_above: float

    def verdict(self, value: float) -> Verdict:
        """How `value` is to be taken; both limits themselves are still within."""
        if value > self.error_above:
            return "error"
        return "warn" if value > self.warn_above else "pass"


# Seconds that the oldest file on disk has been waiting. A restart of the stream takes less than 45 s and is no
# reason to wake anyone.
FRESHNESS = Limits(warn_above=60.0, error_above=300.0)

# Share of the rows read. Producers that deliver at least once repeat a few per cent; a tenth is a producer
# that repeats whole files, a half is one that does nothing else.
DUPLICATE_RATE = Limits(warn_above=0.10, error_above=0.50)

# Share of the rows read. A changed format shows as a step; rejects wait in rejected_events and can be replayed.
REJECT_RATE = Limits(warn_above=0.05, error_above=0.20)

RATE_WINDOW_SECONDS = 3600.0  # the rates are judged over the last hour, whatever the history
