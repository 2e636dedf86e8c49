"""Listing a bucket: a bounded number of keys a look, and on from where the last look stopped.

Keys are listed in their order, and new ones may come anywhere. A pass over all keys, in slices, finds them; it begins
anew some time after it was complete. In between, a look at what is behind the highest key finds those that are named by
time. Where the whole source is a single page, every look is a pass.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from clickstream_assets.object_stores.bucket import Bucket, Page
from spark.objects.landing import path_of
from spark.objects.object_ledger import Listed, ObjectLedger

PAGES = 10  # a look, at most
PASS_SECONDS = 60.0  # from the end of a pass to the next …
PASS_SHARE = 10  # … and at least so many times what it took


class BucketListing:
    """Of one source."""

    def __init__(
        self, ledger: ObjectLedger, prefix: str, ignores: Callable[[str], bool], look_seconds: float
    ) -> None:
        self._ledger = ledger
        self._prefix = prefix
        self._ignores = ignores
        self._look_seconds = look_seconds
        self._listed: Listed | None = None
        self._seen = 0  # by the running pass
        self._took = 0.0  # the running pass, in looks
        self._next_pass = 0.0
        self._next_look = 0.0
        self.is_complete = False  # whether a pass was, since this began

    def look(self, bucket: Bucket) -> None:
        """Write what is new to the ledger, if it is time for a look.

        Raises:
            BucketTrouble: it cannot be listed.
        """
        now = time.monotonic()
        if now < self._next_look:
            return
        listed = self._listed or self._ledger.listing()
        if listed.after_key is None and now < self._next_pass:
            listed = self._look_behind(bucket, listed)
        else:
            listed = self._go_on(bucket, listed)
        self._listed = listed
        # A pass goes on at once; the others wait.
        self._next_look = now if listed.after_key is not None else now + self._look_seconds

    def _look_behind(self, bucket: Bucket, listed: Listed) -> Listed:
        highest = listed.highest_key
        for _ in range(PAGES):
            page = bucket.page(highest)
            self._note(page)
            if page.objects:
                highest = page.objects[-1].key
            if page.after is None:
                break
        if highest != listed.highest_key:
            self._ledger.note_listing(None, highest, listed.objects, is_complete=False)
        return listed._replace(highest_key=highest)

    def _go_on(self, bucket: Bucket, listed: Listed) -> Listed:
        began = time.monotonic()
        after, highest = listed.after_key, listed.highest_key
        is_first = after is None
        if is_first:
            self._seen, self._took = 0, 0.0
        for _ in range(PAGES):
            page = bucket.page(after)
            self._note(page)
            self._seen += len(page.objects)
            if page.objects and (highest is None or _later(page.objects[-1].key, highest)):
                highest = page.objects[-1].key
            is_single, is_first = is_first and page.after is None, False
            after = page.after
            if after is None:
                break
        self._took += time.monotonic() - began
        if after is None:
            self.is_complete = True
            self._next_pass = 0.0 if is_single else began + max(PASS_SECONDS, PASS_SHARE * self._took)
        if not is_single or listed.complete_since is None or highest != listed.highest_key:
            self._ledger.note_listing(after, highest, self._seen, is_complete=after is None)
        return Listed(after, highest, self._seen, 0.0)

    def _note(self, page: Page) -> None:
        files = [
            (found, path)
            for found in page.objects
            if (path := path_of(found.key, self._prefix, self._ignores)) is not None
        ]
        if files:
            self._ledger.note(files)


def _later(key: str, than: str) -> bool:
    """By the order of S3: that of the bytes."""
    return key.encode() > than.encode()
