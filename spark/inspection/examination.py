"""What intake finds out about one file before it is registered: its content, and the verdict of its source's rules."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from clickstream_assets.file_names import ledger_path
from clickstream_assets.sources.source import Drift
from spark.content.errors import ContentError
from spark.discovery.candidate import PROBLEMS, Candidate
from spark.inspection.inspecting import CHUNK_BYTES, inspect_file
from spark.inspection.inspection import Inspection
from spark.inspection.judging import KnownColumns, judged_by_columns, judged_by_rejects
from spark.mapping.source_mapping import SourceMapping


@dataclass
class Examination:
    """Of the files of one source, whose directory is `root`.

    `follow_links`: also what links lead to out of `root`. `drift`, `error_budget`: which files are not taken as they
    are (`judging`). `columns_so_far` looks up, once, the columns of the files that were taken.
    """

    root: bytes
    mapping: SourceMapping
    follow_links: bool
    drift: Drift
    error_budget: float | None
    columns_so_far: Callable[[], list[list[str]]]
    chunk_bytes: int = CHUNK_BYTES
    _columns: KnownColumns | None = field(default=None, init=False)  # None: not looked up yet

    def inspect(self, candidate: Candidate) -> Inspection:
        """What the file holds, whatever the rules of its source.

        Raises:
            ContentChanged: it is written while it is read.
            OSError: it cannot be read.
        """
        if candidate.problem is not None:
            return Inspection(candidate.state, reason=candidate.problem, detail=PROBLEMS[candidate.problem])
        within = None if self.follow_links else self.root
        try:
            name = ledger_path(candidate.path)
            return inspect_file(
                self._place_of(candidate), self.mapping, self.chunk_bytes, name=name, within=within
            )
        except ContentError as error:
            return Inspection(candidate.state, reason=error.reason, detail=error.detail)

    def judge(self, candidate: Candidate) -> Inspection:
        """What the file holds, held back or refused where the rules of its source say so; raises as `inspect`.

        A file that may go on growing is not judged yet.
        """
        inspection = self.inspect(candidate)
        if inspection.reason or (inspection.is_unterminated and candidate.is_young):
            return inspection
        if self.drift != "accept":
            inspection = judged_by_columns(inspection, self._known_columns(), self.drift)
        if self.error_budget is not None and not inspection.reason:
            inspection = judged_by_rejects(
                inspection, self._place_of(candidate), candidate.path, self.mapping, self.error_budget
            )
        return inspection

    def note_columns(self, inspection: Inspection) -> None:
        """The columns of a file that somebody released are as good as the others'."""
        if self._columns is not None and inspection.layout is not None:
            self._columns.add(inspection.layout.columns)

    def _known_columns(self) -> KnownColumns:
        if self._columns is None:
            self._columns = KnownColumns()
            for columns in self.columns_so_far():
                self._columns.add(columns)
        return self._columns

    def _place_of(self, candidate: Candidate) -> bytes:
        return os.path.join(self.root, candidate.path)
