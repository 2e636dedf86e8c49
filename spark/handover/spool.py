"""The spool: a directory that tasks and driver share, through which encoded rows travel past the JVM.

Per micro-batch one directory; in it per attempt of a task `<index>-<token>.events` and `.rejects`, Arrow streams of
encoded rows, and last the report `<index>-<token>.json`, renamed into place. What Spark did not accept goes with the
directory.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from spark.handover.parts import Part

EVENTS = pa.schema([("row", pa.binary()), ("key", pa.uint64()), ("time", pa.int64()), ("repeat", pa.bool_())])
PACE = "pace"
POLL_SECONDS = 0.005  # between looks whether it is a part's turn
LONGEST_WAIT_SECONDS = 60.0
REJECTS = pa.schema([("row", pa.binary())])


def batch_token(epoch: int, after: int, upto: int) -> str:
    """A name for the micro-batch with the chunks after < seq <= upto, under one lease epoch."""
    return f"e{epoch}-{after}-{upto}"


@dataclass(frozen=True)
class Spool:
    """The directory of one micro-batch."""

    directory: Path

    @classmethod
    def of_batch(cls, root: Path, epoch: int, after: int, upto: int) -> Spool:
        """The spool of the micro-batch with the chunks after < seq <= upto, under one lease epoch."""
        return cls(root / batch_token(epoch, after, upto))

    def path(self, index: int, token: str, kind: str) -> Path:
        return self.directory / f"{index}-{token}.{kind}"

    def report(self, part: Part) -> None:
        """Say that a part is complete."""
        path = self.path(part.index, part.token, "json")
        unfinished = path.with_suffix(".part")
        unfinished.write_text(part.to_json())
        unfinished.rename(path)

    def reported(self, index: int) -> Part | None:
        """A complete part of the task `index`, if there is one: whether Spark accepts it is not known yet."""
        try:
            found = list(self.directory.glob(f"{index}-*.json"))
        except FileNotFoundError:
            return None
        return Part.from_json(found[0].read_text()) if found else None

    def pace(self, parts: int | None) -> None:
        """Let tasks begin the first `parts` parts and no more; `None`: all of them."""
        path = self.directory / PACE
        if parts is None:
            path.unlink(missing_ok=True)
            return
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(str(parts))
        unfinished.rename(path)

    def wait_for_turn(self, index: int) -> None:
        """Wait until the part `index` may begin. A task that is too far ahead of PostgreSQL takes its processor away.

        It never waits longer than a minute: whatever the driver does, the work goes on.
        """
        deadline = time.monotonic() + LONGEST_WAIT_SECONDS
        while time.monotonic() < deadline:
            try:
                if index < int((self.directory / PACE).read_text()):
                    return
            except FileNotFoundError:
                return
            time.sleep(POLL_SECONDS)

    def batches(self, part: Part, kind: str) -> Iterator[pa.RecordBatch]:
        """The encoded rows of a part: `EVENTS` or `REJECTS`."""
        path = self.path(part.index, part.token, kind)
        if path.exists():
            with pa.memory_map(str(path)) as source, pa.ipc.open_stream(source) as stream:
                yield from stream

    def remove(self) -> None:
        shutil.rmtree(self.directory, ignore_errors=True)


class SpoolFile:
    """An Arrow stream that is written batch by batch; the file is there from the first one on."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._path = path
        self._schema = schema
        self._stream: pa.ipc.RecordBatchStreamWriter | None = None

    def write(self, *columns: pa.Array) -> None:
        if self._stream is None:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._stream = pa.ipc.new_stream(str(self._path), self._schema)
        self._stream.write_batch(pa.RecordBatch.from_arrays(list(columns), schema=self._schema))

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


def sweep(root: Path) -> None:
    """Remove what a killed stream left behind. For the holder of the lease alone."""
    for directory in root.glob("e*-*-*"):
        shutil.rmtree(directory, ignore_errors=True)
