"""What a bucket can do, whichever library does it, and how it fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from clickstream_assets.errors import ClickstreamError


@dataclass(frozen=True)
class StoredObject:
    """One state of an object. Another etag or another time is another state, and so another delivery."""

    key: str
    etag: str
    modified_at: datetime
    size_bytes: int


@dataclass(frozen=True)
class Page:
    """Some objects in the order of their keys. `after`: where to go on; None: there are no more."""

    objects: tuple[StoredObject, ...]
    after: str | None


@dataclass(frozen=True)
class RangeRead:
    """The bytes of a range as they come, and which version they are of, where the bucket keeps versions."""

    blocks: Iterator[bytes]
    version_id: str | None


class Bucket(Protocol):
    """All methods may raise BucketTrouble, and those of one object ObjectGone, ObjectReplaced and ObjectRefused."""

    def page(self, after: str | None) -> Page:
        """The objects of the source after a key, in the order of the keys; None: from the first."""

    def read(
        self, found: StoredObject, start: int, end: int, version_id: str | None = None
    ) -> AbstractContextManager[RangeRead]:
        """The bytes from `start` to `end` (exclusive) of exactly this state; of a version, be it the newest or not.
        Raises also ConnectionCut."""

    def now(self, key: str) -> StoredObject | None:
        """The object of this key as it is now; None: there is none."""

    def tag(self, found: StoredObject, version_id: str | None, name: str, value: str) -> None:
        """Put a tag on it, besides those that it has."""

    def move(self, found: StoredObject, key: str) -> None:
        """Give it another key. One that is there already, of the same state, was moved before."""

    def close(self) -> None: ...


class ObjectStoreError(ClickstreamError):
    """What a bucket, or an object, cannot do now."""


class BucketTrouble(ObjectStoreError):
    """The whole bucket cannot be used now. The message is a sentence without its full stop, and has no secret."""


class ConnectionCut(ObjectStoreError):
    """The bytes ended before their end. What came is good."""


class ObjectGone(ObjectStoreError):
    """There is no object of this key any more."""


class ObjectReplaced(ObjectStoreError):
    """The object of this key is another one now."""


class ObjectRefused(ObjectStoreError):
    """This object cannot be read, others can. The message is a sentence without its full stop."""
