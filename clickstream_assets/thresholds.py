"""The limits of the checks, all of them: at what number a check warns, and at what number it fails.

WARN means: look at it today, the data is usable. ERROR means: someone must act now, the data is late, wrong or
incomplete. What each check measures and what to do about it: docs/checks.md. The limits of supervision, which lead to
actions, are in `supervision.model`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
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


def worst(*verdicts: Verdict) -> Verdict:
    """The verdict on several measures at once."""
    order: tuple[Verdict, ...] = ("pass", "warn", "error")
    return max(verdicts, key=order.index)


# Seconds that the oldest file on disk has been waiting. From BEHIND_AFTER on (some ten micro-batches) the stream is
# called "behind", which is a word and wakes nobody: a restart takes less than 45 s. Then `freshness` warns and fails.
BEHIND_AFTER = 10.0
FRESHNESS = Limits(warn_above=60.0, error_above=300.0)

# Seconds without any stream. Its supervisor starts another within five, which takes some 45 until rows come again;
# while it starts, the state is another one and nobody is warned.
STREAM_GONE = Limits(warn_above=0.0, error_above=60.0)

# Seconds that a living stream waits for its database or its directory. A server is restarted within ten.
STREAM_WAITS = Limits(warn_above=10.0, error_above=60.0)

# Seconds from a file's rename to its rows being visible, 99 % of the files: the service level. Slow is not wrong, so
# this never fails; files that pile up are an error of `freshness`. CLICKSTREAM_LATENCY_P99_SECONDS sets another.
LATENCY_P99_SECONDS = 1.0
# Files that wait for the very first stream to start, on a new database, say nothing about the service.
LATENCY_FIRST_START_SECONDS = 90.0
LATENCY_WINDOW_SECONDS = 300.0  # short: a restart of the stream is out of it after five minutes

# Share of the rows read that have the id and time of a stored event, but other content. One is already a producer
# that gives an id twice; one in a hundred is one that loses data.
ID_CONFLICTS = Limits(warn_above=0.0, error_above=0.01)
CONFLICTS_COUNTED = 100_000  # at most, of the lifetime: counting costs by their number

# Within the window: headers that were never seen before, files that cannot be read (no text, broken gzip), and files
# whose header cannot be used, so that none of their rows is in.
NEW_HEADERS = Limits(warn_above=0.0, error_above=inf)
UNREADABLE_FILES = Limits(warn_above=0.0, error_above=inf)
UNUSABLE_HEADERS = Limits(warn_above=0.0, error_above=0.0)
HEADER_WINDOW_SECONDS = 86_400.0

# Rows of a summary that differ from what its events say.
SUMMARY_DIFFERENCES = Limits(warn_above=0.0, error_above=0.0)

# Share of the rows read. Producers that deliver at least once repeat a few per cent; a tenth is a producer
# that repeats whole files, a half is one that does nothing else.
DUPLICATE_RATE = Limits(warn_above=0.10, error_above=0.50)

# Share of the rows read. A changed format shows as a step; rejects wait in rejected_events and can be replayed.
REJECT_RATE = Limits(warn_above=0.05, error_above=0.20)

RATE_WINDOW_SECONDS = 3600.0  # the rates are judged over the last hour, whatever the history
