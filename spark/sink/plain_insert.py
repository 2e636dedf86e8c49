"""When staged rows are inserted without `ON CONFLICT` first.

PostgreSQL needs a third less for an insert that must not meet a duplicate. One duplicate undoes it, and what was done
until then is lost. So it is tried while micro-batches have none, and for a while no more after one had.
"""

from __future__ import annotations

MIN_ROWS = 5_000  # fewer gain nothing that can be noticed
PAUSE = 16  # tables that are not tried after one that failed: what trying costs is then a thirtieth at most


class PlainInsert:
    """Whether to try it with the next table of staged rows."""

    def __init__(self) -> None:
        self._pause = 0

    def is_worth_trying(self, rows: int) -> bool:
        """For a table of so many rows. Each answer about a table that is large enough counts as one of the pause."""
        if rows < MIN_ROWS:
            return False
        if self._pause:
            self._pause -= 1
            return False
        return True

    def failed(self) -> None:
        """What was tried met a duplicate, or a row that PostgreSQL refuses."""
        self._pause = PAUSE
