"""What a source is called in Dagster."""

from __future__ import annotations

from clickstream_assets.contract import DEFAULT_SOURCE

EVENT_FILES = "event_files"


def source_key(source: str) -> list[str]:
    """The asset's key, part by part: `event_files` of the default, else `event_files/<name>`."""
    return [EVENT_FILES] if source == DEFAULT_SOURCE else [EVENT_FILES, source]
