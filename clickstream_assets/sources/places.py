"""That no file is read twice: the places of sources that lie in one another are refused. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from clickstream_assets.errors import SettingsError
from clickstream_assets.sources.object_store import ObjectStore
from clickstream_assets.sources.source import Source


def check_places(sources: Sequence[Source], file: Path) -> None:
    """No directory lies in another one, or its files would be read twice; nor does an archive, nor a bucket's part.

    Raises:
        SettingsError: one does; `file` is where they are said.
    """
    for source in sources:
        for other in sources:
            if source is not other and source.store and other.store:
                _check_stores(source, source.store, other.name, other.store, file)
            if source is not other and source.directory.is_relative_to(other.directory):
                raise SettingsError(
                    f"{file}: the directory of [{source.name}], {source.directory}, lies in that of [{other.name}], "
                    f"{other.directory}: its files would be read twice. Give each source one of its own."
                )
            if source.finished_files == "archive" and source.archive_dir.is_relative_to(other.directory):
                raise SettingsError(
                    f"{file}: the archive of [{source.name}], {source.archive_dir}, lies in the directory of "
                    f"[{other.name}], where it would be read again: give a directory outside of it."
                )


def _check_stores(source: Source, store: ObjectStore, name: str, other: ObjectStore, file: Path) -> None:
    if store.overlaps(other):
        raise SettingsError(
            f"{file}: {store.url}, of [{source.name}], and {other.url}, of [{name}], have objects in common, which "
            "would be read twice. Give each source a prefix of its own."
        )
    if store.move_to is not None and replace(store, prefix=store.move_to).overlaps(other):
        raise SettingsError(
            f"{file}: [{source.name}] moves its objects to {store.move_to}, which [{name}] reads: give another prefix."
        )
