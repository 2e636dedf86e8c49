"""What discovery hands out: a file that is complete, or an entry that is none."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream_assets.file_names import FileState

# Why an entry cannot be opened as a file, and the sentence about it.
PROBLEMS = {
    "broken_link": "It is a link that leads nowhere.",
    "link_outside": "It is a link that leads out of the events directory; CLICKSTREAM_FOLLOW_LINKS=1 follows such.",
    "not_a_file": "It is no regular file.",
    "unreadable": "It cannot be looked at.",
}


@dataclass(frozen=True)
class Candidate:
    """A file to take: `path` is relative to the events directory."""

    path: bytes
    state: FileState
    problem: str | None = None  # why it cannot even be opened as a file
    is_young: bool = False  # its last line might still get an end
