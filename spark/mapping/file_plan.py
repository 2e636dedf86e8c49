"""From the columns of one file to our fields: what `[columns]`, `[fields]` and the known names come to for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream_assets.contract import FIELDS, REQUIRED
from spark.mapping.names import column_position, extra_columns, field_positions
from spark.mapping.source_mapping import SourceMapping
from spark.mapping.sources import (
    AbsentColumn,
    Column,
    PathPart,
    Source,
    parts_of,
    placed,
    whole_columns,
)


@dataclass(frozen=True)
class FilePlan:
    """Where each field of a file comes from."""

    sources: tuple[Source | None, ...]  # in the order of FIELDS; None: the file has no such field
    extras: tuple[tuple[str, int], ...]  # columns that are not ours: name and position
    identity: tuple[tuple[str, int], ...]  # columns that tell rows apart besides the fields
    missing: tuple[str, ...]  # required fields of which nothing says where they come from
    absent: tuple[str, ...]  # columns that the mapping names and the file has not

    @classmethod
    def of(cls, columns: Sequence[str], mapping: SourceMapping) -> FilePlan:
        """The plan for a file with these columns, in its spelling and order."""
        claimed = field_positions(columns, mapping.columns, mapping.fields)
        sources: dict[str, Source | None] = {
            field: Column(columns[at].strip(), at) for field, at in claimed.items()
        }
        absent: list[str] = []
        for field, source in mapping.fields.items():
            sources[field] = None
            if source is None:
                continue
            try:
                sources[field] = placed(source, lambda name: column_position(columns, name))
            except AbsentColumn as error:
                if field not in mapping.optional:
                    absent.append(error.name)
        identity = []
        for name in mapping.identity:
            if (at := column_position(columns, name)) is None:
                absent.append(name)
            else:
                identity.append((name, at))
        found = [source for source in sources.values() if source is not None]
        ours = {column.at for source in found for column in whole_columns(source)}
        return cls(
            tuple(sources.get(field) for field in FIELDS),
            tuple(extra_columns(columns, ours).items()),
            tuple(identity),
            tuple(
                field
                for field in REQUIRED
                if sources.get(field) is None
                and field not in mapping.optional
                and field not in mapping.fields
            ),
            tuple(dict.fromkeys(absent)),
        )

    @property
    def found(self) -> list[str]:
        """The fields that the file has."""
        return [field for field, source in zip(FIELDS, self.sources, strict=True) if source is not None]

    @property
    def positions_of_fields(self) -> dict[str, int]:
        """Of the fields that are a column as it is."""
        pairs = zip(FIELDS, self.sources, strict=True)
        return {field: source.at for field, source in pairs if isinstance(source, Column)}

    @property
    def fit(self) -> int:
        """How well the columns fit: the number of fields that come from one of them."""
        return sum(1 for source in self.sources if source is not None and _columns(source))

    @property
    def positions(self) -> list[int]:
        """Of the columns that are wanted."""
        used = {column.at for source in self.sources if source is not None for column in _columns(source)}
        return sorted(used | {at for _, at in (*self.extras, *self.identity)})

    @property
    def path_names(self) -> list[str]:
        """What the path of the file must say."""
        found = [part for source in self.sources if source is not None for part in parts_of(source)]
        return list(dict.fromkeys(part.name for part in found if isinstance(part, PathPart)))


def _columns(source: Source) -> list[Column]:
    return [part for part in parts_of(source) if isinstance(part, Column)]
