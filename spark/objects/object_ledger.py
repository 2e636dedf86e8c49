"""What the ledger knows of the objects of one source: which were seen, which are on disk, which are done.

It writes under the lease's epoch, in a session of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from psycopg2.extensions import connection as Connection

from clickstream_assets.object_stores.bucket import StoredObject
from clickstream_assets.sql_files import statement
from spark.ledger_session import LedgerSession
from spark.objects.landing import LandedState


@dataclass(frozen=True)
class KnownObject:
    """An object that is to be fetched."""

    object_id: int
    found: StoredObject
    path: str


@dataclass(frozen=True)
class FetchedObject:
    """An object whose file is on disk. `file_status`: of the ledger; None: the file is not registered yet."""

    known: KnownObject
    version_id: str | None
    state: LandedState
    file_status: str | None
    is_due: bool  # no failure of before is to be waited for


class Listed(NamedTuple):
    """How far the listing is. `complete_since`: seconds since a pass was complete."""

    after_key: str | None = None
    highest_key: str | None = None
    objects: int = 0
    complete_since: float | None = None


class ObjectLedger:
    """
    Args:
        connect: opens the session.
        source: name of the source. `bucket`: its URL without the prefix.
    """

    def __init__(self, connect: Callable[[], Connection], epoch: int, source: str, bucket: str) -> None:
        self._session = LedgerSession(connect, epoch)
        self._of: dict[str, object] = {"source": source, "bucket": bucket}

    def close(self) -> None:
        """End the session. The next use opens another one."""
        self._session.close()

    def note(self, objects: Sequence[tuple[StoredObject, str]]) -> int:
        """Write the objects, with their paths, that were not seen before; how many those were."""
        with self._session.writing() as cursor:
            found = {
                "keys": [found.key for found, _ in objects],
                "etags": [found.etag for found, _ in objects],
                "modified": [found.modified_at for found, _ in objects],
                "sizes": [found.size_bytes for found, _ in objects],
                "paths": [path for _, path in objects],
            }
            cursor.execute(statement("objects.note"), self._of | found)
            return int(cursor.rowcount)

    def listing(self) -> Listed:
        with self._session.reading() as cursor:
            cursor.execute(statement("objects.listing"), self._of)
            row = cursor.fetchone()
        return Listed(*row) if row else Listed()

    def note_listing(
        self, after_key: str | None, highest_key: str | None, objects: int, *, is_complete: bool
    ) -> None:
        with self._session.writing() as cursor:
            row = {
                "after_key": after_key,
                "highest_key": highest_key,
                "objects": objects,
                "is_complete": is_complete,
            }
            cursor.execute(statement("objects.note_listing"), self._of | row)

    def to_fetch(self, most: int, busy: Sequence[int]) -> list[KnownObject]:
        """The oldest that may be fetched now, without those of `busy`."""
        with self._session.reading() as cursor:
            cursor.execute(statement("objects.to_fetch"), self._of | {"objects": most, "busy": list(busy)})
            return [_known(row) for row in cursor]

    def has_left_to_fetch(self) -> bool:
        """Whether some are left that did not fail."""
        with self._session.reading() as cursor:
            cursor.execute(statement("objects.left_to_fetch"), self._of)
            return bool((cursor.fetchone() or (False,))[0])

    def fetched(self, objects: Sequence[tuple[KnownObject, LandedState, str | None]]) -> None:
        """Their files are about to appear, in this state; which version each is of."""
        with self._session.writing() as cursor:
            for known, state, version_id in objects:
                row = {
                    "object_id": known.object_id,
                    "inode": state.inode,
                    "modified_ns": state.modified_ns,
                    "version_id": version_id,
                }
                cursor.execute(statement("objects.fetched"), row)

    def fetched_files(self) -> list[FetchedObject]:
        """The objects on disk."""
        with self._session.reading() as cursor:
            cursor.execute(statement("objects.fetched_files"), self._of)
            return [
                FetchedObject(_known(row), row[6], LandedState(row[7], row[4], row[8]), row[9], row[10])
                for row in cursor
            ]

    def note_files(self) -> None:
        """Write which file became of each."""
        with self._session.writing() as cursor:
            cursor.execute(statement("objects.note_files"), self._of)

    def to_fetch_again(self, object_ids: Sequence[int]) -> None:
        with self._session.writing() as cursor:
            cursor.execute(statement("objects.to_fetch_again"), {"object_ids": list(object_ids)})

    def failed(self, object_id: int, detail: str) -> None:
        """It is tried again after a while, each time a longer one."""
        with self._session.writing() as cursor:
            cursor.execute(statement("objects.failed"), {"object_id": object_id, "detail": detail})

    def over(self, object_id: int, status: Literal["gone", "replaced"]) -> None:
        with self._session.writing() as cursor:
            cursor.execute(statement("objects.over"), {"object_id": object_id, "status": status})

    def done(self, object_id: int, outcome: str, detail: str | None) -> None:
        with self._session.writing() as cursor:
            row = {"object_id": object_id, "outcome": outcome, "detail": detail}
            cursor.execute(statement("objects.done"), row)

    def troubled(self) -> tuple[int, str, str] | None:
        """How many objects failed for a reason of their own, one's key and its reason; None: none did."""
        with self._session.reading() as cursor:
            cursor.execute(statement("objects.troubled"), self._of)
            row = cursor.fetchone()
        return None if row is None or not row[0] else (int(row[0]), str(row[1]), str(row[2]))


def _known(row: tuple[object, ...]) -> KnownObject:
    object_id, key, etag, modified_at, size_bytes, path = row[:6]
    return KnownObject(object_id, StoredObject(key, etag, modified_at, size_bytes), path)  # type: ignore[arg-type]
