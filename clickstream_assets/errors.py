"""The errors that a user reads: one base, one sentence each, and the exit code of a program that ends by it.

What is wrong with one file or one row is none of these: it is stored with the file or the row, and nothing ends.
"""

from __future__ import annotations

from clickstream_assets.contract import ExitCode


class ClickstreamError(Exception):
    """The work cannot be done. The message is one sentence for the user: what is wrong, where, and what to do."""

    exit_code = ExitCode.FAILED


class SettingsError(ClickstreamError):
    """A setting, an option of a command or the source mapping cannot be used."""

    exit_code = ExitCode.TO_BE_MENDED


class DatabaseError(ClickstreamError):
    """There is no database, or it, or the way to it, cannot serve as it is."""

    exit_code = ExitCode.TO_BE_MENDED


class StartError(ClickstreamError):
    """What a command needs is missing or taken, or does not come up."""

    exit_code = ExitCode.TO_BE_MENDED


class StreamError(ClickstreamError):
    """The stream ended otherwise than by request."""
