"""Whether only one file cannot be read, or its file system is away: by a look at its neighbours."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

from clickstream_assets.file_names import is_ignored

TRIES = 8  # files that are opened
ENTRIES = 256  # that are looked at, of a directory


def another_is_readable(path: bytes, root: bytes) -> bool:
    """Whether some other file beside `path`, or else somewhere in `root`, gives its first byte."""
    return any(_is_readable(other) for other in islice(_others(path, root), TRIES))


def _others(path: bytes, root: bytes) -> Iterator[bytes]:
    own = os.path.dirname(path)
    for directory in dict.fromkeys((own, root, *_directories(root))):
        for entry in _entries(directory):
            other = os.path.join(directory, entry.name)
            if other != path and not is_ignored(entry.name) and _is_file(entry):
                yield other


def _directories(root: bytes) -> list[bytes]:
    return [os.path.join(root, entry.name) for entry in _entries(root) if _is_directory(entry)]


def _entries(directory: bytes) -> list[os.DirEntry[bytes]]:
    try:
        with os.scandir(directory) as entries:
            return list(islice(entries, ENTRIES))
    except OSError:
        return []


def _is_file(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


def _is_directory(entry: os.DirEntry[bytes]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False) and not is_ignored(entry.name)
    except OSError:
        return False


def _is_readable(path: bytes) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return bool(os.read(descriptor, 1))
    except OSError:
        return False
    finally:
        os.close(descriptor)
