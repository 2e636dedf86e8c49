"""Fetching what is new: some objects at once, and not more of them than the disk shall hold."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from clickstream_assets.object_stores.bucket import (
    Bucket,
    BucketTrouble,
    ObjectGone,
    ObjectRefused,
    ObjectReplaced,
)
from clickstream_assets.object_stores.fetching import Stopped, fetch
from spark.objects.landing import LandedState, Landing
from spark.objects.object_ledger import KnownObject, ObjectLedger

FETCHES = 8  # at once
AHEAD_FILES = 2_000  # fetched and not stored, at most

log = logging.getLogger("clickstream.objects")


class Fetching:
    """Of one source. `pause` waits for some seconds, and says whether to stop."""

    def __init__(
        self, ledger: ObjectLedger, landing: Landing, most_bytes: int, pause: Callable[[float], bool]
    ) -> None:
        self._ledger = ledger
        self._landing = landing
        self._most_bytes = most_bytes
        self._pause = pause
        self._pool = ThreadPoolExecutor(FETCHES, "object")
        self._running: dict[Future[str | None], KnownObject] = {}

    @property
    def is_busy(self) -> bool:
        return bool(self._running)

    def begin(self, bucket: Bucket, ahead: list[int]) -> None:
        """Begin to fetch. `ahead`: the sizes of the objects on disk that are not stored yet."""
        free = FETCHES - len(self._running)
        files = len(ahead) + len(self._running)
        if free <= 0 or files >= AHEAD_FILES:
            return
        size = sum(ahead) + sum(known.found.size_bytes for known in self._running.values())
        paths = {known.path for known in self._running.values()}
        busy = [known.object_id for known in self._running.values()]
        for known in self._ledger.to_fetch(FETCHES, busy)[:free]:
            size += known.found.size_bytes
            files += 1
            if (files > 1 and size > self._most_bytes) or files > AHEAD_FILES:
                return  # in their order: a smaller one does not overtake
            if known.path in paths:
                continue
            paths.add(known.path)
            target = self._landing.unfinished(known.object_id)
            self._running[self._pool.submit(fetch, bucket, known.found, target, self._pause)] = known

    def take_over(self, seconds: float) -> int:
        """Have those appear that are complete; waits for one for some time. How many did.

        Raises:
            BucketTrouble: the bucket cannot be read.
            OSError: the disk.
        """
        if not self._running:
            return 0
        wait(self._running, seconds, FIRST_COMPLETED)
        complete: list[tuple[KnownObject, LandedState, str | None]] = []
        trouble: BaseException | None = None
        for future in [future for future in self._running if future.done()]:
            known = self._running.pop(future)
            try:
                version_id = future.result()
                if self._landing.has_room(known.path):
                    state = self._landing.state_of_unfinished(known.object_id)
                    complete.append((known, state, version_id))
                    continue
                self._ledger.failed(
                    known.object_id, "there is a folder of its name, or a file of its folder's"
                )
            except ObjectGone:
                self._ledger.over(known.object_id, "gone")
            except ObjectReplaced:
                self._replaced(known)
            except ObjectRefused as error:
                self._ledger.failed(known.object_id, str(error))
            except Stopped:
                pass
            except (BucketTrouble, OSError) as error:
                trouble = error
            self._landing.forget_unfinished(known.object_id)
        if complete:
            # First in the ledger: by it the file is known again, whatever comes between.
            self._ledger.fetched(complete)
            for known, _, _ in complete:
                self._landing.land(known.object_id, known.path)
        if trouble is not None:
            raise trouble
        return len(complete)

    def _replaced(self, known: KnownObject) -> None:
        log.info(
            "object %r was replaced while it was fetched: the new one is another delivery", known.found.key
        )
        self._ledger.over(known.object_id, "replaced")

    def end(self) -> None:
        """`pause` has said to stop."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._running.clear()
