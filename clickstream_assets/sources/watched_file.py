"""When the sources' file, or a source mapping that it names, has changed."""

from __future__ import annotations

from pathlib import Path

from clickstream_assets.settings import Settings
from clickstream_assets.sources.sources_file import files_of

State = tuple[tuple[Path, int, int, int] | None, ...]


class WatchedFile:
    """The files behind the sources of `settings`; a look is some calls of `stat`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._files = files_of(settings)
        self._seen = self._state()

    def has_changed(self) -> bool:
        """Whether one of them is another one than at the last look that said so."""
        state = self._state()
        if state == self._seen:
            return False
        self._files = files_of(self._settings)
        self._seen = self._state()
        return True

    def _state(self) -> State:
        return tuple(_state_of(file) for file in self._files)


def _state_of(file: Path) -> tuple[Path, int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return file, found.st_ino, found.st_size, found.st_mtime_ns
