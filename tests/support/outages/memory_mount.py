"""A file system in memory that is mounted, full, and away when a test says so. It keeps nothing while it is away."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class MemoryMount:
    path: Path
    size: str = "256k"

    def mount(self) -> None:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", self.path], check=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", self.path], check=True)

    def fill(self) -> None:
        with suppress(OSError), (self.path / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"x" * 4096)

    def make_room(self) -> None:
        (self.path / "filler").unlink()


@contextmanager
def memory_mount(path: Path) -> Iterator[MemoryMount]:
    path.mkdir()
    mount = MemoryMount(path)
    mount.mount()
    try:
        yield mount
    finally:
        while path.is_mount():
            mount.unmount()
