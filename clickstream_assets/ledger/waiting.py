"""Files waiting: what is on disk and not in the database yet, whatever the stream may be doing. The rules.

A path on disk is compared with the ledger's newest row of that path, as intake does it:

- no row, or one about another inode, size or modification time: it waits;
- `registered`: it waits;
- `committed` or `duplicate`: it does not, even if its inode's change time differs. A chmod or a hard link
  moves that time alone, and must not look like a backlog. The one delivery that this rule hides is an
  overwrite in place with the same size and the old modification time put back, until intake rechecks it
  (seconds) and the ledger says what it was;
- `rejected`: it waits again if the change time differs: a chmod is how an unreadable file becomes readable;
- `changed`: it waits, since that state was never read;
- `held` back by the rules of its source: it does not wait, unless it is released and not taken yet.

Names of unfinished files (`file_names`) are ignored, and counted. Directories are walked, links to files count as
files, links to directories and special files do not. A link that leads out of the directory is not read, unless
CLICKSTREAM_FOLLOW_LINKS says so: then it stands for itself, in the ledger too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from clickstream_assets.ledger.disk_folder import has_content, is_measured, parts_of
from clickstream_assets.ledger.file_rows import Row
from clickstream_assets.text import count, printable

EXAMPLES = 5  # waiting paths that are named, the oldest first, and ignored ones


@dataclass(frozen=True)
class WaitingFiles:
    """The backlog on disk. Times are UTC; ages are seconds."""

    files: int
    size_bytes: int
    registered: int  # of them: known to the ledger, not committed; the others are not known yet
    oldest_landed_at: datetime | None
    oldest_age_seconds: float | None
    oldest_paths: tuple[str, ...]
    vanished: int  # registered in the ledger, but that state of the file is no longer on disk
    vanished_paths: tuple[str, ...]
    unlistable: tuple[str, ...]
    files_on_disk: int
    ignored: int = 0  # by their names
    ignored_paths: tuple[str, ...] = ()
    unterminated_paths: tuple[str, ...] = ()  # of the oldest: those that wait for the end of their last line
    not_looked_at: int = 0  # of the waiting: too many are new, and their sizes and ages are not known yet
    look_seconds: float = 0.0  # that this look took
    set_aside: int = 0  # of the waiting: could not be read when it was their turn, and the rest went on
    set_aside_paths: tuple[str, ...] = ()


def set_aside_sentence(waiting: WaitingFiles) -> str:
    """What is said of the files that nobody waits for; without its full stop."""
    names = ", ".join(map(printable, waiting.set_aside_paths[:3]))
    what = "1 file cannot" if waiting.set_aside == 1 else f"{count(waiting.set_aside)} files cannot"
    return f"{what} be read at present, and the rest goes on without: {names}"


class Verdict(Enum):
    """What the ledger says about a file on disk."""

    UNKNOWN = "it has no row about this state: it waits"
    REGISTERED = "it waits for its micro-batch"
    REOPENED = "its row is done with, but not for good: it waits"
    DONE = "it does not wait"


def verdict_of(row: Row | None, state: bytes) -> Verdict:
    """Whether a file in this state waits, by the newest row of its path."""
    if row is None:
        return Verdict.UNKNOWN
    _, _, status, inode, size_bytes, modified_ns, changed_ns, _ = row
    if not has_content(state, inode, size_bytes, modified_ns):
        return Verdict.UNKNOWN
    match status:
        case "registered":
            return Verdict.REGISTERED
        case "changed" | "released":
            return Verdict.REOPENED
        case "rejected" if is_measured(state) and parts_of(state)[3] != changed_ns:
            return Verdict.REOPENED
    return Verdict.DONE
