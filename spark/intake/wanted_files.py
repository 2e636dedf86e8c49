"""Files that the ledger wants to be looked at once more: whom to ask for which of them, and when again. Pure."""

from __future__ import annotations

from collections.abc import Container, Sequence

from spark.intake.source_records import WantedFile

ASK_AGAIN_SECONDS = 30.0  # for a file of which nothing came, as where the database was away


class WantedFiles:
    """Each is asked for once, unless nothing came of it."""

    def __init__(self) -> None:
        self._asked_for: dict[int, float] = {}  # file_id: when

    def due(self, wanted: Sequence[WantedFile], sources: Container[str], now: float) -> list[WantedFile]:
        """Those to ask for now. `wanted` are all that the ledger has at present, `sources` those that can be asked."""
        found = []
        for file in wanted:
            asked_at = self._asked_for.get(file.file_id)
            is_due = asked_at is None or now - asked_at > ASK_AGAIN_SECONDS
            if file.source in sources and is_due:
                self._asked_for[file.file_id] = now
                found.append(file)
        ids = {file.file_id for file in wanted}
        self._asked_for = {file_id: at for file_id, at in self._asked_for.items() if file_id in ids}
        return found
