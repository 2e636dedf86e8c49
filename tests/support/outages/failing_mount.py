"""A file system that fails when it is told to: a directory seen through FUSE, without any library.

The kernel asks this program for each name, attribute and byte, so that every program sees what it would see of a
network mount that is away. Read-only: files are put into the directory behind it. Run as a program it serves one mount:

    python failing_mount.py DIRECTORY MOUNT_POINT MOOD

MOOD is a file that holds nothing, or the name of an error ("ESTALE"), an operation that alone fails with it ("EIO
read") and the only names that this is about, as a pattern ("EIO read *7.csv").
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

DEVICE = "/dev/fuse"
FLAGS = 2 | 4  # MS_NOSUID, MS_NODEV
DETACH = 2
OPERATIONS = {
    1: "lookup",
    3: "getattr",
    5: "readlink",
    14: "open",
    15: "read",
    17: "statfs",
    18: "release",
    25: "flush",
    27: "opendir",
    28: "readdir",
    29: "releasedir",
    34: "access",
}
INIT, FORGET, INTERRUPT, BATCH_FORGET = 26, 2, 36, 42
FAILING = {"lookup", "getattr", "open", "read", "opendir", "readdir"}
_libc = ctypes.CDLL(None, use_errno=True)


def can_mount() -> bool:
    return os.access(DEVICE, os.R_OK | os.W_OK) and os.geteuid() == 0


needs_fuse = pytest.mark.skipif(not can_mount(), reason="needs /dev/fuse and the right to mount")


@dataclass
class FailingMount:
    """`behind` is where files are put, `path` where the stream sees them."""

    behind: Path
    path: Path
    mood: Path
    server: subprocess.Popen[bytes] | None = None

    def mount(self) -> None:
        self.server = subprocess.Popen(
            [sys.executable, __file__, str(self.behind), str(self.path), str(self.mood)]
        )
        deadline = time.monotonic() + 20
        while not os.path.ismount(self.path):
            assert self.server.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def fails(self, mood: str) -> None:
        hidden = self.mood.with_suffix(".new")
        hidden.write_text(mood)
        hidden.rename(self.mood)

    def works(self) -> None:
        self.fails("")

    def die(self) -> None:
        """The server is gone, the mount stays: the transport endpoint is not connected."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()

    def unmount(self) -> None:
        """The mount point is an empty directory again."""
        _libc.umount2(os.fsencode(self.path), DETACH)
        if self.server is not None:
            self.server.kill()
            self.server.wait()
            self.server = None


@contextmanager
def failing_mount(directory: Path) -> Iterator[FailingMount]:
    mount = FailingMount(directory / "behind", directory / "mounted", directory / "mood")
    mount.behind.mkdir()
    mount.path.mkdir()
    mount.works()
    try:
        mount.mount()
        yield mount
    finally:
        mount.unmount()


def _kind(entry: os.DirEntry[bytes]) -> int:
    if entry.is_symlink():
        return stat.S_IFLNK >> 12
    return (stat.S_IFDIR if entry.is_dir(follow_symlinks=False) else stat.S_IFREG) >> 12


class _Server:
    def __init__(self, root: str, mood: str) -> None:
        self.root, self.mood = os.fsencode(root), mood
        self.paths: dict[int, bytes] = {1: b""}
        self.nodes: dict[bytes, int] = {b"": 1}
        self.files: dict[int, int | list[tuple[bytes, int, int]]] = {}
        self.next_file = 1

    def serve(self, device: int) -> None:
        while True:
            try:
                request = os.read(device, 1 << 20)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT):
                    continue
                return  # unmounted
            _, code, unique, node = struct.unpack_from("<IIQQ", request)
            body = request[40:]
            if code in (FORGET, INTERRUPT, BATCH_FORGET):
                continue
            try:
                answer, failed = self.answer(code, node, body), 0
            except OSError as error:
                answer, failed = b"", -(error.errno or errno.EIO)
            with contextlib.suppress(OSError):
                os.write(device, struct.pack("<IiQ", 16 + len(answer), failed, unique) + answer)

    def answer(self, code: int, node: int, body: bytes) -> bytes:
        if code == INIT:
            return struct.pack("<IIIIHHIIHHI28x", 7, 31, 1 << 17, 0, 0, 0, 1 << 17, 1, 32, 0, 0)
        operation = OPERATIONS.get(code)
        if operation is None:
            raise OSError(errno.ENOSYS, "")
        path = self.paths[node]
        name = body.rstrip(b"\0") if operation == "lookup" else os.path.basename(path)
        self.fail(operation, name)
        found: bytes = getattr(self, operation)(path, body)
        return found

    def fail(self, operation: str, name: bytes) -> None:
        with open(self.mood) as file:
            words = file.read().split()
        if not words or operation not in ({words[1]} if len(words) > 1 else FAILING):
            return
        if len(words) < 3 or fnmatchcase(name, os.fsencode(words[2])):
            raise OSError(getattr(errno, words[0]), "")

    def lookup(self, path: bytes, body: bytes) -> bytes:
        child = os.path.join(path, body.rstrip(b"\0"))
        attributes = self.attributes(child)
        node = self.nodes.setdefault(child, len(self.nodes) + 1)
        self.paths[node] = child
        return struct.pack("<QQQQII", node, 0, 0, 0, 0, 0) + attributes

    def getattr(self, path: bytes, _: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self.attributes(path)

    def attributes(self, path: bytes) -> bytes:
        s = os.lstat(os.path.join(self.root, path))
        times = (s.st_atime_ns, s.st_mtime_ns, s.st_ctime_ns)
        return struct.pack(
            "<6Q10I",
            s.st_ino,
            s.st_size,
            s.st_blocks,
            *(moment // 10**9 for moment in times),
            *(moment % 10**9 for moment in times),
            s.st_mode,
            s.st_nlink,
            s.st_uid,
            s.st_gid,
            0,
            4096,
            0,
        )

    def readlink(self, path: bytes, _: bytes) -> bytes:
        return os.readlink(os.path.join(self.root, path))

    def open(self, path: bytes, _: bytes) -> bytes:
        return self.opened(os.open(os.path.join(self.root, path), os.O_RDONLY), 1)  # past the page cache

    def opendir(self, path: bytes, _: bytes) -> bytes:
        # By the kind alone: an entry may have another name a moment later.
        with os.scandir(os.path.join(self.root, path)) as entries:
            listed = [(entry.name, entry.inode(), _kind(entry)) for entry in entries]
        return self.opened(listed, 0)

    def opened(self, what: int | list[tuple[bytes, int, int]], flags: int) -> bytes:
        self.files[self.next_file] = what
        self.next_file += 1
        return struct.pack("<QII", self.next_file - 1, flags, 0)

    def read(self, _: bytes, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        descriptor = self.files[handle]
        assert isinstance(descriptor, int)
        return os.pread(descriptor, size, offset)

    def readdir(self, _: bytes, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        listed = self.files[handle]
        assert isinstance(listed, list)
        answer = b""
        for number, (name, inode, kind) in enumerate(listed[offset:], offset + 1):
            entry = struct.pack("<QQII", inode, number, len(name), kind) + name
            entry += b"\0" * (-len(entry) % 8)
            if len(answer) + len(entry) > size:
                break
            answer += entry
        return answer

    def release(self, _: bytes, body: bytes) -> bytes:
        what = self.files.pop(struct.unpack_from("<Q", body)[0], None)
        if isinstance(what, int):
            os.close(what)
        return b""

    releasedir = release

    def flush(self, _: bytes, __: bytes) -> bytes:
        return b""

    access = flush

    def statfs(self, _: bytes, __: bytes) -> bytes:
        return struct.pack("<5QIIII24x", 1, 1, 1, 1, 1, 4096, 255, 4096, 0)


def _main() -> None:
    root, mount_point, mood = sys.argv[1:]
    device = os.open(DEVICE, os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other"
    if _libc.mount(b"failing", os.fsencode(mount_point), b"fuse", FLAGS, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), mount_point)
    _Server(root, mood).serve(device)


if __name__ == "__main__":
    _main()
