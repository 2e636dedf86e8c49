"""Whether a directory of events is there at all: a mount that is away leaves an empty directory, or none."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from clickstream_assets.outages.mounts import (
    NOT_MOUNTED,
    check_mounted,
    mount_point,
    remember,
    was_unmounted,
)
from spark.outage import DirectoryAway, sentence_about


class EventsPlace:
    """Of one directory. It remembers where its file system was mounted; with a home, from one stream to the next."""

    def __init__(self, root: bytes, home: Path | None = None) -> None:
        self.root = root
        self._home = home
        self._device: int | None = None  # at the last look
        self._mounted_at: str | None = None

    def check(self) -> None:
        """Raises OSError where the directory is not there, or not what it was."""
        device = os.stat(self.root).st_dev
        if device == self._device:
            return
        if self._mounted_at is not None and was_unmounted(self.root, self._mounted_at):
            raise OSError(errno.ENODEV, NOT_MOUNTED, self.root)
        if self._home is not None:
            check_mounted(self._home, self.root)
            remember(self._home, self.root)
        self._mounted_at = mount_point(self.root)
        self._device = device

    def device(self) -> int:
        """The number of its file system.

        Raises:
            DirectoryAway: it is not there.
        """
        try:
            self.check()
            return os.stat(self.root).st_dev
        except OSError as error:
            raise DirectoryAway(sentence_about(error)) from None
