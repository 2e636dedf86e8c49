"""The assets that are filled all the time, as Dagster should show them: materialized, made from what they depend on,
and never "Unsynced".

What Dagster shows may differ though no row has come: an asset was wiped, a source came or went, a button was pressed
while a source had no file yet. `shown_wrongly` finds those, and the sensor reports them again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dagster as dg

from clickstream_assets.assets.catalogue import INPUT_TAG, VERSION_TAG, live_tags
from clickstream_assets.assets.events import events_and_rejects
from clickstream_assets.contract import DEFAULT_SOURCE
from clickstream_assets.sources.source_assets import source_key

Tags = Mapping[dg.AssetKey, dict[str, str]]


def tags_of_live_assets(sources: Iterable[str]) -> Tags:
    """By asset the tags of its reports. `sources`: those that have an asset, besides the default."""
    files = [dg.AssetKey(source_key(source)) for source in dict.fromkeys((DEFAULT_SOURCE, *sources))]
    codes = events_and_rejects.code_versions_by_key
    return {
        **{key: live_tags() for key in files},
        **{key: live_tags(codes[key], files) for key in sorted(events_and_rejects.keys)},
    }


def shown_wrongly(instance: dg.DagsterInstance, tags: Tags) -> list[dg.AssetKey]:
    """Those of which Dagster has no materialization, or one with other versions than `tags` have. One query."""
    shown: dict[dg.AssetKey, Mapping[str, str]] = {}
    for record in instance.get_asset_records(list(tags)):
        entry = record.asset_entry.last_materialization
        if entry is not None and entry.asset_materialization is not None:
            shown[record.asset_entry.asset_key] = entry.asset_materialization.tags or {}
    return [key for key in tags if key not in shown or _versions(shown[key]) != _versions(tags[key])]


def _versions(tags: Mapping[str, str]) -> dict[str, str]:
    """Not the code's: rows that an older one made stay what they are until the next come."""
    return {name: value for name, value in tags.items() if name == VERSION_TAG or name.startswith(INPUT_TAG)}
