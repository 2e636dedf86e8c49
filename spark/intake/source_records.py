"""What the ledger says of sources: which are in force, which are in trouble, and which files are wanted again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from clickstream_assets.sources.source import Source
from clickstream_assets.sql_files import statement
from spark.ledger_session import LedgerSession


class WantedFile(NamedTuple):
    """One that is to be looked at once more, though it has not changed."""

    source: str
    file_id: int
    path: bytes
    is_released: bool  # else its directory was away when it was to be read


class SourceRecords:
    """All that writes raises LeaseLost: another stream took over."""

    def __init__(self, session: LedgerSession) -> None:
        self._session = session

    def record(self, sources: Sequence[Source]) -> None:
        """Write which sources are in force, and how they are read."""
        with self._session.writing() as cursor:
            for source in sources:
                row = {
                    "source": source.name,
                    "directory": str(source.directory),
                    "owner": source.owner,
                    "settings": source.settings_json(),
                }
                cursor.execute(statement("intake.record_source"), row)
            cursor.execute(
                statement("intake.remove_sources"), {"sources": [source.name for source in sources]}
            )

    def record_problem(self, source: str, problem: str | None) -> None:
        """Write why the files of a source are not taken; None: they are."""
        with self._session.writing() as cursor:
            cursor.execute(statement("intake.record_problem"), {"source": source, "problem": problem})

    def record_fault(self, fault: str | None) -> None:
        """Write why a newer version of the sources' file is not in force; None: there is none."""
        with self._session.writing() as cursor:
            cursor.execute(statement("intake.record_fault"), {"fault": fault})

    def wanted_again(self) -> list[WantedFile]:
        """Files that were released, or that a task could not reach."""
        with self._session.reading() as cursor:
            cursor.execute(statement("intake.wanted_again"))
            return [
                WantedFile(
                    source,
                    file_id,
                    bytes(raw_path) if raw_path is not None else os.fsencode(path),
                    is_released,
                )
                for source, file_id, path, raw_path, is_released in cursor
            ]
