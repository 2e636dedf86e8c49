"""What becomes of an object when its file is decided about: it is tagged, moved or left, and its file goes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from clickstream_assets.object_stores.bucket import Bucket, ObjectGone, ObjectRefused, ObjectReplaced
from clickstream_assets.sources.object_store import ObjectStore
from spark.objects.landing import Landing
from spark.objects.object_ledger import FetchedObject, ObjectLedger

TAG = "clickstream"
STORED = ("committed", "duplicate")
DECIDED = (*STORED, "rejected", "dropped")

log = logging.getLogger("clickstream.objects")


class Finishing:
    """Of one source."""

    def __init__(self, store: ObjectStore, ledger: ObjectLedger, landing: Landing) -> None:
        self._store = store
        self._ledger = ledger
        self._landing = landing

    def after_restart(self) -> None:
        """What is not registered is fetched anew: its file is lost with the home, or may not be whole after a crash."""
        again = [fetched for fetched in self._ledger.fetched_files() if fetched.file_status is None]
        for fetched in again:
            self._landing.remove(fetched.known.path, None)
        self._fetch_again(again)

    def finish(self, bucket: Callable[[], Bucket], is_stopped: Callable[[], bool]) -> list[int]:
        """Take care of what is decided; the sizes of the files that are not stored yet.

        Raises:
            BucketTrouble: the bucket cannot be written.
        """
        fetched_files = self._ledger.fetched_files()
        if any(fetched.file_status is not None for fetched in fetched_files):
            self._ledger.note_files()
        ahead, again = [], []
        for fetched in fetched_files:
            status = fetched.file_status
            if status in DECIDED:
                if fetched.is_due and not is_stopped():
                    self._finish(bucket, fetched, status)
            elif status == "changed" or (
                status is None and not self._landing.holds(fetched.known.path, fetched.state)
            ):
                self._landing.remove(fetched.known.path, fetched.state)
                again.append(fetched)
            elif status != "held":
                ahead.append(fetched.known.found.size_bytes)
        self._fetch_again(again)
        return ahead

    def _fetch_again(self, again: Sequence[FetchedObject]) -> None:
        if again:
            log.info("%d objects are fetched again: their files are not here, or changed", len(again))
            self._ledger.to_fetch_again([fetched.known.object_id for fetched in again])

    def _finish(self, bucket: Callable[[], Bucket], fetched: FetchedObject, status: str) -> None:
        found, detail = fetched.known.found, None
        try:
            if self._store.after_commit == "tag":
                bucket().tag(found, fetched.version_id, TAG, status)
            elif self._store.move_to is not None and status in STORED:
                bucket().move(found, self._store.move_to + found.key[len(self._store.prefix) :])
        except (ObjectGone, ObjectReplaced) as error:
            kind = "deleted" if isinstance(error, ObjectGone) else "replaced"
            detail = f"it was {kind} in the bucket after it was fetched"
        except ObjectRefused as error:
            what = "tagged" if self._store.after_commit == "tag" else "moved"
            self._landing.remove(fetched.known.path, fetched.state)
            self._ledger.failed(fetched.known.object_id, f"it cannot be {what}: {error}")
            return
        self._landing.remove(fetched.known.path, fetched.state)
        self._ledger.done(fetched.known.object_id, status, detail)
