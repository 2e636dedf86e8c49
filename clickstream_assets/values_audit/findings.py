"""What the audit of values has found, and what it could not look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from clickstream_assets.conservation.books import Offence
from clickstream_assets.text import printable
from clickstream_assets.values_audit.compare import Difference
from clickstream_assets.values_audit.disk import Finding, LedgerFile

OFFENCES_KEPT = 1_000  # named; all are counted
NAMES_KEPT = 1_000
CUT = 200  # characters of a value


@dataclass
class ValuesAudit:
    """The outcome. `rows` were compared: `events` and `rejects` by their values, `duplicates` with the event that
    was there before."""

    rows_committed: int = 0  # of all committed files
    rows_expected: int = 0  # of them, to be compared
    is_sample: bool = False
    files: int = 0
    rows: int = 0
    events: int = 0
    rejects: int = 0
    duplicates: int = 0
    rows_dropped: int = 0  # not stored any more: older than what retention keeps
    believed: Counter[str] = field(
        default_factory=Counter
    )  # rejects by a reason that only the day of loading decided
    missing: Counter[Finding] = field(default_factory=Counter)  # files that cannot be compared
    missing_rows: Counter[Finding] = field(default_factory=Counter)
    missing_paths: list[tuple[Finding, str]] = field(default_factory=list)  # without those that are gone
    offences: list[Offence] = field(default_factory=list)
    offence_count: int = 0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.offence_count

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0

    def add(self, offence: Offence) -> None:
        self.offence_count += 1
        if len(self.offences) < OFFENCES_KEPT:
            self.offences.append(offence)

    def cannot_compare(self, file: LedgerFile, finding: Finding) -> None:
        """A file that is not there with the content that was loaded."""
        self.missing[finding] += 1
        self.missing_rows[finding] += file.rows
        if finding != "gone" and len(self.missing_paths) < NAMES_KEPT:
            self.missing_paths.append((finding, file.path))


def file_offence(file: LedgerFile, rule: str, text: str, **numbers: int) -> Offence:
    """An offence of the file as a whole."""
    return Offence(rule, f"{_name(file)}: {text}", file.file_id, file.path, None, numbers)


def row_offence(file: LedgerFile, line_no: int, difference: Difference) -> Offence:
    """A row that is stored otherwise than the file says it."""
    name, stored, in_file = difference.field, _cut(difference.stored), _cut(difference.in_file)
    rule = f"{name}_differs" if name in ("row", "conflict") else "value_differs"
    subject = "" if rule != "value_differs" else f"{name} is "
    text = f"{subject}{_shown(stored)} in the table, but {_shown(in_file)} in the file"
    return Offence(
        rule,
        f"{_name(file)}, line {line_no}: {text}",
        file.file_id,
        file.path,
        line_no=line_no,
        field=name,
        stored=stored,
        in_file=in_file,
    )


def foreign_offence(file: LedgerFile, line_no: int, kind: str) -> Offence:
    """A stored row of a line that the file does not have."""
    text = f"{_name(file)}, line {line_no}: {kind} is stored, but no record of the file begins there"
    return Offence("row_foreign", text, file.file_id, file.path, line_no=line_no, field="row", stored=kind)


def _name(file: LedgerFile) -> str:
    return f"file {file.file_id} ({printable(file.path)})"


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= CUT else text[:CUT] + "…"


def _shown(text: str | None) -> str:
    return "nothing" if text is None else printable(text)
