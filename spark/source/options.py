"""The options that the driver gives to the source, as texts, and what they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast, get_args

from clickstream_assets.contract import IdenticalRows
from spark.source.micro_batches import BATCH_ROWS, JDBC_BATCH_ROWS

# How cleaned rows leave a task: through a directory that the driver shares, through staging tables, or as rows of
# Spark.
Handover = Literal["spool", "upload", "blocks"]

PART_SCHEMA = "part string"


@dataclass(frozen=True)
class SourceOptions:
    """What a task must know besides its chunks."""

    root: bytes  # the events directory
    mapping: str  # `SourceMapping.to_json`
    handover: Handover
    identical_rows: IdenticalRows
    epoch: int  # of the lease
    spool: Path | None  # None: there is no directory that tasks and driver share
    retention_days: int | None = None
    registered: Path | None = (
        None  # of a catch-up: a file that is there once all present files are registered
    )
    start: int = 0  # the number of the query among those of this stream
    device: int | None = None  # the file system of the root; None: it is not compared
    sets_aside: bool = False  # what cannot be read, where other files can be, keeps nobody waiting any longer

    @property
    def schema(self) -> str:
        if self.handover != "blocks":
            return PART_SCHEMA
        # Here, for else the driver's process of the source would load the whole cleaning.
        from spark.handover.row_blocks import BLOCKS_SCHEMA

        return BLOCKS_SCHEMA

    @property
    def batch_rows(self) -> int:
        """Of one micro-batch, at most."""
        return JDBC_BATCH_ROWS if self.handover == "blocks" else BATCH_ROWS

    def to_options(self) -> dict[str, str]:
        options = {
            "root": self.root.hex(),
            "mapping": self.mapping,
            "handover": self.handover,
            "identical_rows": self.identical_rows,
            "epoch": str(self.epoch),
            "start": str(self.start),
        }
        if self.spool is not None:
            options["spool"] = str(self.spool)
        if self.registered is not None:
            options["registered"] = str(self.registered)
        if self.device is not None:
            options["device"] = str(self.device)
        if self.sets_aside:
            options["sets_aside"] = "1"
        if self.retention_days is not None:
            options["retention_days"] = str(self.retention_days)
        return options

    @classmethod
    def of(cls, options: Mapping[str, str]) -> SourceOptions:
        assert options["handover"] in get_args(Handover)  # noqa: S101 - this project's own text
        spool, days, registered, device = (
            options.get(name) for name in ("spool", "retention_days", "registered", "device")
        )
        return cls(
            bytes.fromhex(options["root"]),
            options["mapping"],
            cast(Handover, options["handover"]),
            cast(IdenticalRows, options["identical_rows"]),
            int(options["epoch"]),
            Path(spool) if spool is not None else None,
            int(days) if days is not None else None,
            Path(registered) if registered is not None else None,
            int(options.get("start", 0)),
            int(device) if device is not None else None,
            "sets_aside" in options,
        )
