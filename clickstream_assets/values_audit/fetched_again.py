"""Objects of sources in object stores: their files are gone once they are stored, so they are fetched once more."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from psycopg2.extensions import connection as Connection

from clickstream_assets.object_stores.bucket import (
    Bucket,
    BucketTrouble,
    ObjectGone,
    ObjectRefused,
    ObjectReplaced,
    StoredObject,
)
from clickstream_assets.object_stores.fetching import fetch
from clickstream_assets.object_stores.opening import open_bucket
from clickstream_assets.sources.object_store import ObjectStore
from clickstream_assets.sources.source import Source
from clickstream_assets.sql_files import statement
from clickstream_assets.values_audit.disk import Found, LedgerFile, look_at


class FetchedAgain:
    """One object at a time, in a directory of its own. With the credentials of whoever audits."""

    def __init__(self, stores: Mapping[str, ObjectStore], directory: Path) -> None:
        self._stores = stores
        self._target = directory / "object"
        self._buckets: dict[str, Bucket] = {}
        self._away: set[str] = set()

    def find(self, connection: Connection, file: LedgerFile) -> Found:
        """The file of an object, fetched; what was fetched before goes."""
        with connection.cursor() as cursor:
            cursor.execute(statement("objects.of_file"), {"file_id": file.file_id})
            row = cursor.fetchone()
        store = None if row is None else self._stores.get(row[0])
        if row is None or store is None:
            return Found("gone")
        source, *state, version_id = row
        path = os.fsencode(self._target)
        if source in self._away:
            return Found("unreadable", path)
        try:
            return self._fetched(source, store, StoredObject(*state), version_id, file)
        except BucketTrouble:
            self._away.add(source)  # it would be no other with the next
            return Found("unreadable", path)

    def close(self) -> None:
        for bucket in self._buckets.values():
            bucket.close()

    def _fetched(
        self, source: str, store: ObjectStore, found: StoredObject, version_id: str | None, file: LedgerFile
    ) -> Found:
        bucket = self._buckets.get(source) or self._buckets.setdefault(source, open_bucket(store))
        path = os.fsencode(self._target)
        for wanted in _places(store, found):
            try:
                now = wanted if wanted is found else bucket.now(wanted.key)
                if now is None:
                    continue
                fetch(bucket, now, self._target, _pause, version_id if wanted is found else None)
                return look_at(file.file, path)
            except ObjectGone:
                continue
            except ObjectReplaced:
                return Found("changed", path)
            except (ObjectRefused, OSError):
                return Found("unreadable", path)
        return Found("gone")


def _places(store: ObjectStore, found: StoredObject) -> Iterator[StoredObject]:
    """Where it was, and where it may have been moved to."""
    yield found
    if store.move_to is not None:
        key = store.move_to + found.key[len(store.prefix) :]
        yield StoredObject(key, found.etag, found.modified_at, found.size_bytes)


def _pause(seconds: float) -> bool:
    time.sleep(seconds)
    return False


@contextmanager
def fetched_again(sources: Iterable[Source], home: Path) -> Iterator[FetchedAgain | None]:
    """None where no source is in an object store."""
    stores = {source.name: source.store for source in sources if source.store is not None}
    if not stores:
        yield None
        return
    with tempfile.TemporaryDirectory(dir=home if home.is_dir() else None, prefix="verify-") as directory:
        fetched = FetchedAgain(stores, Path(directory))
        try:
            yield fetched
        finally:
            fetched.close()
