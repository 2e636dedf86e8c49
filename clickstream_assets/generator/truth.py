"""The exact truth about what the generator wrote."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class FileTruth:
    """What one file holds. `bytes` is its size, the header included."""

    name: str
    rows: int = 0
    unique_events: int = 0
    duplicates: int = 0
    malformed: int = 0
    late: int = 0
    bytes: int = 0


@dataclass
class Truth:
    """The exact truth about everything written. `rows = unique_events + duplicates + malformed`.

    Attributes:
        rows: data records; headers are none.
        unique_events: good rows that are no repetition; the late ones are among them.
        duplicates: rows that repeat an earlier good row.
        malformed: rows that a strict parser rejects; `malformed_kinds` tells them apart.
        late: unique events that are hours to days older than the others of their file.
        files: files written.
        file_details: one entry a file, in the order in which they appeared (empty where nobody asked).
    """

    rows: int = 0
    unique_events: int = 0
    duplicates: int = 0
    malformed: int = 0
    late: int = 0
    files: int = 0
    bytes: int = 0
    seed: int | None = None
    malformed_kinds: dict[str, int] = field(default_factory=dict)
    file_details: list[FileTruth] = field(default_factory=list)

    def add(self, file: FileTruth, *, keep_detail: bool = True) -> None:
        """Count a finished file in."""
        self.files += 1
        for name in ("rows", "unique_events", "duplicates", "malformed", "late", "bytes"):
            setattr(self, name, getattr(self, name) + getattr(file, name))
        if keep_detail:
            self.file_details.append(file)

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it: the six counts and `bytes` as integers, then the details."""
        counts = {
            name: getattr(self, name)
            for name in ("rows", "unique_events", "duplicates", "malformed", "late", "files", "bytes", "seed")
        }
        details = [dict(vars(file)) for file in self.file_details]
        return {**counts, "malformed_kinds": dict(self.malformed_kinds), "file_details": details}
