"""The error that is a user's to mend, raised before and while settings are read."""

from __future__ import annotations


class SettingsError(ValueError):
    """A setting is wrong. The message is one sentence for the user: what, where, and what to do."""
