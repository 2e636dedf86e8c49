"""Why the content of a file cannot be had."""

from __future__ import annotations


class ContentError(Exception):
    """The file cannot be read as text. `reason` is a short stable code, `detail` a sentence."""

    def __init__(self, reason: str, detail: str, *, is_cut: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.is_cut = is_cut  # the end is missing: perhaps it is still to come


class ContentChanged(Exception):
    """The file is not, or no longer, the state that was asked for."""
