"""What an audit does not see, in words: so that nobody takes its success for more than it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from clickstream_assets.conservation.outcome import Audit
from clickstream_assets.text import count
from clickstream_assets.values_audit.disk import Finding
from clickstream_assets.values_audit.findings import ValuesAudit

_MISSING: Mapping[Finding, str] = {
    "gone": "whose files are neither where they landed nor in the archive",
    "changed": "whose files have another content by now",
    "rewritten": "whose files were written over (see the offences)",
    "unreadable": "whose files cannot be opened",
    "away": "whose file system cannot be read at present",
}
_BELIEVED = {
    "too_old": "rejected as older than was kept then: the limit of that day is not known",
    "event_time_out_of_range": "rejected as more than a day ahead, which they were just about when they were loaded",
    "refused_by_database": "that read well, and were refused by PostgreSQL",
}


class Blind(NamedTuple):
    """One thing that was not seen. `what` is a stable code; files or rows are None where they do not apply."""

    what: str
    text: str
    files: int | None
    rows: int | None


def unseen(audit: Audit, values: ValuesAudit | None) -> list[Blind]:
    """What `verify` did not see, with the numbers that are known. Things that do not occur are left out."""
    books = audit.unseen
    found = [
        _blind("not_committed", "registered, but not committed yet", books.waiting_files, books.waiting_rows),
        _blind("refused", "refused as a whole: nothing of them is stored", books.refused_files, None),
        _blind("held", "held back or dropped: nothing of them is stored", books.held_files, books.held_rows),
        _blind(
            "changed_before_read",
            "changed or gone before they were read",
            books.changed_files,
            books.changed_rows,
        ),
        _blind("retention", "dropped by retention", None, audit.rows_dropped),
    ]
    if values is None:
        text = "what the stored values are: `clickstream verify --values` compares them with the files"
        return [*(blind for blind in found if blind), Blind("values", text, None, None)]
    for finding, text in _MISSING.items():
        files, rows = values.missing[finding], values.missing_rows[finding]
        found.append(_blind(f"file_{finding}", text, files, rows))
    for reason, text in _BELIEVED.items():
        found.append(_blind(f"believed_{reason}", text, None, values.believed[reason]))
    if values.is_sample:
        found.append(_blind("not_sampled", "not in the sample", None, values.rows_committed - values.rows))
    return [blind for blind in found if blind]


def _blind(what: str, text: str, files: int | None, rows: int | None) -> Blind | None:
    if not files and not rows:
        return None
    numbers = [f"{count(files)} files" if files else "", f"{count(rows)} rows" if rows else ""]
    subject = " with ".join(number for number in numbers if number)
    return Blind(what, f"{subject} {text}", files, rows)
