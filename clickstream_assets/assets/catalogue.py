"""What Dagster's catalogue says of the assets besides their descriptions: columns and their lineage, where the data is,
which code makes it.

The names of the metadata are Dagster's own (`dagster/table_name`, `dagster/uri`, …). The texts of tables come from
`lineage.tables`, what is made from what from `lineage.columns`.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg

from clickstream_assets.contract import FIELDS, REQUIRED
from clickstream_assets.lineage.address import DatabaseAddress, database_address
from clickstream_assets.lineage.columns import COLUMN_SOURCES, FILES
from clickstream_assets.lineage.tables import table_columns
from clickstream_assets.paths import FILES_ROOT, PROJECT_ROOT
from clickstream_assets.settings import Settings

LIVE = dg.DataVersion("live")  # of what is filled all the time
VERSION_TAG, INPUT_TAG = "dagster/data_version", "dagster/input_data_version/"
FILLED_BY = "clickstream/filled_by"  # a tag: stream, refresh, schedule or producer
STORAGE = "dagster/storage_kind"
POSTGRES = "postgres"


def table_schema(table: str) -> dg.TableSchema:
    """The columns of a table with their comments. Raises KeyError where a column has none."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                column.comment,
                dg.TableColumnConstraints(nullable=column.is_nullable, unique=column.is_unique),
            )
            for column in table_columns(table)
        ]
    )


def table_metadata(table: str) -> dict[str, Any]:
    """Of an asset that is the table of its name. Where the table is gets added by `located`."""
    lineage = dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(dg.AssetKey(asset), source) for asset, source in sources]
            for column, sources in COLUMN_SOURCES.get(table, {}).items()
        }
    )
    return {
        "dagster/column_schema": table_schema(table),
        "dagster/column_lineage": lineage,
        STORAGE: POSTGRES,
    }


def live_tags(code: str | None = None, made_from: Iterable[dg.AssetKey] = ()) -> dict[str, str]:
    """The tags of a report of an asset that is filled all the time: its version never changes, nor do those of what it
    is made from. By versions that change Dagster would call whatever is made from it unsynced, between any two
    refreshes."""
    tags = {VERSION_TAG: LIVE.value, "dagster/data_version_is_user_provided": "true"}
    if code:
        tags |= {"dagster/code_version": code, **input_tags(made_from)}
    return tags


def input_tags(made_from: Iterable[dg.AssetKey]) -> dict[str, str]:
    """The tags that say: made from these, as they are all the time."""
    tags = {}
    for dependency in made_from:
        tags[f"{INPUT_TAG}{dependency.to_user_string()}"] = LIVE.value
        tags[f"dagster/input_event_pointer/{dependency.to_user_string()}"] = "NULL"
    return tags


def file_metadata() -> dict[str, Any]:
    """Of the event files: their fields, which are the columns of `events` with the same names, as texts."""
    of_events = {column.name: column.description for column in table_schema("events").columns}
    return {
        "dagster/column_schema": dg.TableSchema(
            columns=[
                dg.TableColumn(
                    field,
                    "text",
                    of_events[field],
                    dg.TableColumnConstraints(nullable=field not in REQUIRED),
                )
                for field in FIELDS
            ]
        )
    }


def code_version(*patterns: str) -> str:
    """A version of the files that `patterns` name, relative to the project: it changes when one of them does."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for file in _files(pattern):
            if file.is_file():  # not Python's own __pycache__
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def code_links(*files: str) -> dict[str, Any]:
    """Links to `files`, which are relative to the project."""
    with warnings.catch_warnings():
        # Links to code are a beta of Dagster, which would say so at every start.
        warnings.simplefilter("ignore", dg.BetaWarning)
        references: list[dg.LocalFileCodeReference | dg.UrlCodeReference] = [
            dg.LocalFileCodeReference(file_path=str(path), label=file)
            for file in files
            for path in _files(file)
        ]
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=references)}


def _files(pattern: str) -> list[Path]:
    return sorted({*PROJECT_ROOT.glob(pattern), *FILES_ROOT.glob(pattern)})


def located(assets: Iterable[dg.AssetsDefinition], settings: Settings) -> list[dg.AssetsDefinition]:
    """`assets` with where their data is by `settings`, which are not known where the assets are defined."""
    address = database_address(settings)
    files = {FILES: settings.events_dir, "clickstream_report": settings.report_file}

    def with_place(spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.to_user_string()
        if spec.metadata.get(STORAGE) == POSTGRES:
            return spec.merge_attributes(metadata=_place_of_table(address, name))
        if name in files:
            return spec.merge_attributes(metadata={"dagster/uri": files[name].as_uri()})
        return spec

    return [asset.map_asset_specs(with_place) for asset in assets]


def _place_of_table(address: DatabaseAddress, table: str) -> dict[str, str]:
    name = address.table_name(table)
    place = {"dagster/table_name": name}
    if address.port is not None:
        place["dagster/uri"] = f"{address.namespace}/{name}"
    return place
