"""How one file is read: its columns, where our fields come from, and what its path says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from spark.mapping.file_plan import FilePlan
from spark.mapping.path_patterns import path_parts
from spark.mapping.source_mapping import UNMAPPED, SourceMapping
from spark.mapping.sources import JsonValue, Step, parts_of
from spark.reading.fields import Columns
from spark.reading.header import Layout

Steps = tuple[Step, ...]


@dataclass(frozen=True)
class FileShape:
    """The same for all files with one layout and mapping, but for `path`."""

    columns: Columns
    names: tuple[str, ...]  # of the wanted columns, in their order
    plan: FilePlan
    pattern: str | None = None  # of names of files
    path: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, layout: Layout, mapping: SourceMapping = UNMAPPED) -> FileShape:
        plan = FilePlan.of(layout.columns, mapping)
        columns = Columns.of(layout, plan.positions)
        return cls(columns, tuple(layout.columns[at] for at in columns.positions), plan, mapping.path)

    def at(self, path: str) -> FileShape:
        """That of the file at `path`, which is relative to the directory of its source."""
        return replace(self, path=path_parts(path, self.pattern)) if self.plan.path_names else self

    def json_paths(self, at: int) -> list[Steps]:
        """What is taken from the JSON in the column at this position."""
        parts = [part for source in self.plan.sources if source is not None for part in parts_of(source)]
        found = [part.steps for part in parts if isinstance(part, JsonValue) and part.column.at == at]
        return list(dict.fromkeys(found))
