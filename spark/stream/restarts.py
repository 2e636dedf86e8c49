"""Whether a query that failed is started again, and after how long. No I/O.

What passes by itself is waited for as long as it takes. Of anything else a few starts in a row may fail: Spark's Python
processes may be killed, or too slow to connect back on a busy machine, and the same a moment later be no trouble.
"""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass

from clickstream_assets.outages.errors import pause_after
from spark.outage import THE_DATABASE, outage_of, what_is_away

STARTS = 3  # in a row that may fail for a reason that nobody knows
# Each pool of Spark's Python processes says once that its own are gone, and makes others at the next start.
GONE_STARTS = 8
# Spark gives a Python process ten seconds, and no setting changes that. Under such a load more starts may fail.
BUSY_STARTS = 20
_BUSY = re.compile(r"failed to connect back|waiting for the Python worker")
_GONE = re.compile(r"Stream closed|Broken pipe|Connection reset|Connection refused|exited unexpectedly")
# What the operating system says of a disk, in Java's words or Python's.
_KNOWN = re.compile(
    "|".join(
        os.strerror(number)
        for number in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.ENOTDIR, errno.EEXIST)
    )
)


@dataclass(frozen=True)
class Failure:
    """Why a query ended. `sentence` is for people."""

    sentence: str
    passes: bool = False  # by itself
    what: str = THE_DATABASE  # that is waited for
    starts: int = STARTS  # in a row that may fail so
    is_known: bool = False  # the sentence says all that there is to say


def failure_of(error: BaseException) -> Failure:
    """What to think of an error that a query ended with."""
    if (sentence := outage_of(error)) is not None:
        return Failure(sentence, passes=True, what=what_is_away(error))
    text = str(error)
    return Failure(
        f"the Spark query failed: {failure_cause(text)}",
        starts=BUSY_STARTS if _BUSY.search(text) else GONE_STARTS if _GONE.search(text) else STARTS,
        is_known=bool(_KNOWN.search(text)),
    )


def failure_cause(text: str) -> str:
    """The most telling line of a Spark exception: the last line of a Python traceback, where it has one."""
    said = text.split("=== Streaming Query ===")[0].splitlines()
    lines = [
        line for line in (line.strip().lstrip(": ") for line in said) if line and not line.startswith("at ")
    ]
    named = [line for line in lines if re.match(r"(?!SQLSTATE)[A-Za-z_][\w.]*: \S", line)]
    return (named or lines or ["without a word"])[-1][:500]


class Restarts:
    """Counts the starts in a row that failed."""

    def __init__(self) -> None:
        self._tries = 0  # in a row, of any kind
        self._unexplained = 0

    def pause(self, failure: Failure, *, has_worked: bool) -> float | None:
        """Seconds until the next start; None: there is none.

        `has_worked`: the query that failed had committed something, or lived for a while.
        """
        if has_worked:
            self._tries = self._unexplained = 0
        self._tries += 1
        if not failure.passes:
            self._unexplained += 1
            if self._unexplained >= failure.starts:
                return None
        return pause_after(self._tries)
