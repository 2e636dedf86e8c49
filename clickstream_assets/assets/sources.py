"""The sources of `sources.toml` as assets of their own, `event_files/<name>`, upstream of `events`.

The events directory stays the asset `event_files`. Nobody materializes these: their files come from producers, and what
came is reported by the sensor `ingest_progress`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import dagster as dg
import psycopg2

from clickstream_assets.assets.catalogue import FILLED_BY, file_metadata
from clickstream_assets.errors import ClickstreamError
from clickstream_assets.ledger.sources_in_force import sources_in_force
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.sources.source import Source
from clickstream_assets.sources.source_assets import EVENT_FILES, source_key
from clickstream_assets.sources.sources_file import read_sources

_OWNER = re.compile(r"team:[\w.-]+|[^@\s]+@[^@\s]+\.[^@\s]+")
_DOWNSTREAM = ("events", "rejected_events")


def loaded_sources(settings: Settings, database: Connections) -> Sequence[Source]:
    """All sources when the code location is loaded; of a faulty file, what the stream goes by."""
    if settings.sources is None:
        return read_sources(settings)
    try:
        return read_sources(settings)
    except ClickstreamError:
        try:
            with database.open("reader") as connection:
                return sources_in_force(connection, settings).sources
        except (psycopg2.Error, ClickstreamError, OSError):
            return read_sources(settings.changed(sources=None))


def source_specs(sources: Iterable[Source]) -> list[dg.AssetSpec]:
    """An asset for each but the default."""
    return [_spec(source) for source in sources if not source.is_default]


def below_sources(
    assets: Iterable[dg.AssetsDefinition], sources: Iterable[Source]
) -> list[dg.AssetsDefinition]:
    """`assets`, of which what the stream fills is downstream of every source."""
    keys = [source_key(source.name) for source in sources if not source.is_default]

    def with_deps(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key.to_user_string() not in _DOWNSTREAM or not keys:
            return spec
        return spec.replace_attributes(deps=[*spec.deps, *keys])

    return [asset.map_asset_specs(with_deps) for asset in assets]


def _spec(source: Source) -> dg.AssetSpec:
    budget = "none" if source.error_budget is None else f"{source.error_budget:g} %"
    return dg.AssetSpec(
        source_key(source.name),
        group_name="ingestion",
        kinds={"file"},
        owners=[source.owner] if source.owner and _OWNER.fullmatch(source.owner) else ["team:clickstream"],
        tags={FILLED_BY: "producer"},
        metadata={
            **file_metadata(),
            "dagster/uri": source.directory.as_uri() if source.store is None else source.store.url,
            "directory": dg.MetadataValue.path(source.location),
            "owner": source.owner or "",
            "source_mapping": source.mapping_from if source.mapping else "none",
            "drift": source.drift,
            "error_budget": budget,
            "finished_files": source.finished_files,
        },
        description=f"Event files of the source {source.name}, in {source.location}. What lands is reported by the "
        f"sensor ingest_progress once the stream has registered it; {EVENT_FILES} is the events directory.",
    )
