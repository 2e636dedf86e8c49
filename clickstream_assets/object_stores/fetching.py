"""One object to the local disk: in ranges, each resumed where a connection was lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clickstream_assets.home import open_private
from clickstream_assets.object_stores.bucket import (
    Bucket,
    BucketTrouble,
    ConnectionCut,
    ObjectStoreError,
    StoredObject,
)
from clickstream_assets.outages.errors import pause_after

RANGE_BYTES = 16 * 1024 * 1024
MOST_CUTS = 8  # in a row, without a byte between them


class Stopped(ObjectStoreError):
    """Nobody wants the object any more."""


def fetch(
    bucket: Bucket,
    found: StoredObject,
    target: Path,
    wait: Callable[[float], bool],
    version_id: str | None = None,
) -> str | None:
    """Write the object to `target`, for the owner alone; which version it is, where the bucket keeps versions.

    `wait` pauses for some seconds, and says whether to stop. `version_id`: that version instead of the newest.

    Raises:
        ObjectGone, ObjectReplaced, ObjectRefused, BucketTrouble: as the bucket says.
        Stopped: `wait` said so.
        OSError: the disk.
    """
    done, cuts, version = 0, 0, version_id
    with open_private(target) as file:
        while True:
            before = done
            try:
                end = min(done + RANGE_BYTES, found.size_bytes)
                with bucket.read(found, done, end, version_id) as reading:
                    version = reading.version_id
                    for block in reading.blocks:
                        file.write(block)
                        done += len(block)
                        if wait(0.0):
                            raise Stopped
            except ConnectionCut as cut:
                cuts = 0 if done > before else cuts + 1
                if cuts > MOST_CUTS:
                    raise BucketTrouble(
                        f"the connection to the bucket is lost again and again ({cut})"
                    ) from None
                if wait(pause_after(cuts + 1)):
                    raise Stopped from None
                continue
            if done == found.size_bytes:
                return version
            if done == before or done > found.size_bytes:
                raise BucketTrouble(f"the server gave {done} bytes of an object that has {found.size_bytes}")
