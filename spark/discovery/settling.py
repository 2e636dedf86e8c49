"""When a file that is being watched is complete. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream_assets.file_names import FileState


@dataclass
class Pending:
    """A file that has not settled yet."""

    state: FileState
    since: float  # monotonic
    seconds: float  # to rest
    is_unterminated: bool = False
    not_before: float = 0.0  # monotonic: it could not be read


def is_settled(state: FileState, unchanged_seconds: float, now_ns: int, settle_seconds: float) -> bool:
    """Whether a file that was watched unchanged for `unchanged_seconds` is complete.

    The kernel sets the change time, so a file last changed long ago need not be watched; where the clock was
    set back the change time lies ahead, and only watching counts.
    """
    return unchanged_seconds >= settle_seconds or now_ns - state.changed_ns >= settle_seconds * 1e9 > 0
