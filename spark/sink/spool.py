"""The spool: a directory that tasks and driver share, through which encoded rows travel past the JVM.

Per micro-batch one directory; in it per attempt of a task `<index>-<token>.events` and `.rejects`, Arrow streams of
encoded rows, and last the report `<index>-<token>.json`, renamed into place. What Spark did not accept goes with the
directory.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from spark.sink.parts import Part

EVENTS = pa.schema([("row", pa.binary()), ("key", pa.uint64()), ("time", pa.int64()), ("repeat", pa.bool_())])
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
