"""The data generator: event files of an imaginary shop, with the exact truth about them.

The public face of `clickstream_assets.shop`: what `clickstream generate`, Dagster's asset `event_files`, the
tests and the benchmarks call. Does not belong here: how visitors behave or how a row is written (`shop/`), and
anything of the command line (`commands/generate.py`).

    manifest = generate_files(GenerationSpec(events=10_000, files=10, duplicates=0.05), Path("events"))
    print(manifest.unique_events)
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from clickstream_assets.shop.spec import FileTruth, GenerationError, GenerationSpec, LiveSpec, Manifest

__all__ = ["FileTruth", "GenerationError", "GenerationSpec", "LiveSpec", "Manifest", "generate_files"]

Progress = Callable[[int], None]  # called with the rows written so far


def generate_files(spec: GenerationSpec, out: Path, progress: Progress | None = None) -> Manifest:
    """Write a finished history into `out` (created if missing); every file appears whole, by a rename.

    Raises:
        GenerationError: the specification cannot be met.
        OSError: `out` cannot be written to; files that had appeared by then stay.
    """
    raise NotImplementedError
