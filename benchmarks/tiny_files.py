"""What a tiny file costs: intake's look at it, and a task's reading, cleaning and handing over. Without Spark and
PostgreSQL, whose share depends on the micro-batch and not on its files."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from clickstream_assets.data_generator import GenerationSpec, generate_files
from spark.cleaning.time_bounds import TimeBounds
from spark.inspection.inspecting import inspect_file
from spark.inspection.inspection import Inspection
from spark.mapping.source_mapping import UNMAPPED
from spark.source.chunks import ChunkToRead, TaskRead
from spark.source.options import SourceOptions
from spark.source.task import read_task

ROWS = 10  # of a file


def measure_tiny_files(files: int) -> str:
    """Milliseconds of CPU for each of `files` files in one task, as a table."""
    with tempfile.TemporaryDirectory() as name:
        events, spool = Path(name) / "events", Path(name) / "spool"
        events.mkdir()
        spool.mkdir(mode=0o700)
        generate_files(GenerationSpec(events=files * ROWS, files=files, seed=1, late=0.0), events)
        paths = sorted(events.iterdir())
        found: list[Inspection] = []
        inspected = _cpu(lambda: found.extend(inspect_file(os.fsencode(path), UNMAPPED) for path in paths))
        task = TaskRead(0, tuple(_chunks(paths, found)), 1, 0, files)
        options = SourceOptions(
            root=os.fsencode(events),
            mapping=UNMAPPED.to_json(),
            handover="spool",
            identical_rows="merge",
            epoch=1,
            spool=spool,
        )
        read = _cpu(lambda: list(read_task(task, options)))
    lines = ["| what | ms of CPU a file |", "|---|---|"]
    lines += [
        f"| {what} | {seconds * 1000 / files:.2f} |"
        for what, seconds in (("intake looks at it", inspected), ("a task reads and hands over", read))
    ]
    return "\n".join(lines)


def _chunks(paths: list[Path], found: list[Inspection]) -> list[ChunkToRead]:
    bounds, mapping = TimeBounds.at(datetime.now(UTC)), UNMAPPED.to_json()
    chunks = []
    for number, (path, inspection) in enumerate(zip(paths, found, strict=True), 1):
        assert inspection.layout is not None  # noqa: S101 - generated just now
        for chunk in inspection.chunks:
            chunks.append(
                ChunkToRead(
                    seq=number,
                    file_id=number,
                    path=os.fsencode(path.name),
                    state=inspection.state,
                    compression=inspection.compression,
                    layout=inspection.layout,
                    mapping=mapping,
                    bounds=bounds,
                    byte_offset=chunk.byte_offset,
                    byte_length=chunk.byte_length,
                    first_line=chunk.first_line,
                    records_from=inspection.header_bytes,
                    content_hash=chunk.content_hash,
                )
            )
    return chunks


def _cpu(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began
