"""Whether a directory of events is there at all: a mount that is away leaves an empty directory, or none."""

from __future__ import annotations

import errno
import os

from spark.outage import DirectoryAway, sentence_about

NOT_MOUNTED = "Its file system is no longer mounted"


class EventsPlace:
    """Of one directory. It remembers whether a file system was mounted there."""

    def __init__(self, root: bytes) -> None:
        self._root = root
        self._was_mount = False

    def check(self) -> None:
        """Raises OSError where the directory is not there, or not what it was."""
        os.stat(self._root)
        if os.path.ismount(self._root):
            self._was_mount = True
        elif self._was_mount and not os.listdir(self._root):
            raise OSError(errno.ENODEV, NOT_MOUNTED, self._root)

    def device(self) -> int:
        """The number of its file system.

        Raises:
            DirectoryAway: it is not there.
        """
        try:
            self.check()
            return os.stat(self._root).st_dev
        except OSError as error:
            raise DirectoryAway(sentence_about(error)) from None
