"""A file that goes back into the events directory: hidden while it is written, then named after its content."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path
from typing import BinaryIO


class Outgoing:
    """A file on its way into the events directory, hidden until `deliver` names it after its content.

    With `path`, that of the original, from which the mapping takes values: it goes below a folder of its own.
    """

    def __init__(self, directory: Path, path: str | None = None, suffix: str = ".csv") -> None:
        self._directory = directory
        self._suffix = suffix
        self._path = path
        self._hash = hashlib.sha256()
        directory.mkdir(parents=True, exist_ok=True)
        self._hidden = directory / f".replay-{os.getpid()}-{id(self)}.tmp"
        self._file: BinaryIO = self._hidden.open("xb")

    def __enter__(self) -> Outgoing:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def write(self, line: bytes) -> None:
        self._hash.update(line)
        self._file.write(line)

    def deliver(self) -> Path:
        """Make the file durable and visible. Where it is there already, from a replay that was interrupted, it
        stays as it is."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        name = f"replayed-{self._hash.hexdigest()[:24]}"
        target = self._directory / f"{name}{self._suffix}"
        if self._path is not None:
            target = self._directory / name / self._path
            _compress(self._hidden, target.suffix.lower())
            target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            self._hidden.rename(target)
        descriptor = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        return target

    def discard(self) -> None:
        """Remove what was not delivered."""
        self._file.close()
        self._hidden.unlink(missing_ok=True)


def _compress(path: Path, suffix: str) -> None:
    """Make the content what the name says that it is: the same bytes for the same content, without a time."""
    content = path.read_bytes()
    if suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    elif suffix in (".zst", ".zstd"):
        import pyarrow as pa  # here, for it loads for a while, and Dagster's definitions load this module

        content = pa.compress(content, "zstd", asbytes=True)
    else:
        return
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
