"""Four producers whose files cover the same hours, with rows that come twice: in one file, and in two of them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from clickstream_assets.data_generator import generate_files
from clickstream_assets.generator.spec import GenerationSpec

PRODUCERS = 4
DAYS = 1.0
DUPLICATES = 0.02  # of all rows: half of them within their file, half of them from another producer's
FIRST_SEED = 21


def write_producers(rows: int, out: Path) -> int:
    """Write `rows` rows into a file of each producer in `out`; returns how many events they are."""
    copied = round(rows * DUPLICATES / 2 / PRODUCERS)  # from the producer before
    own = [
        rows * (number + 1) // PRODUCERS - rows * number // PRODUCERS - copied for number in range(PRODUCERS)
    ]
    events = 0
    contents: list[list[bytes]] = []
    header = b""
    with tempfile.TemporaryDirectory(prefix="clickstream-bench-") as directory:
        for number, size in enumerate(own):
            to = Path(directory) / str(number)
            spec = GenerationSpec(events=size, duplicates=DUPLICATES / 2, days=DAYS, seed=FIRST_SEED + number)
            events += generate_files(spec, to).unique_events
            (file,) = to.glob("*.csv")
            header, *lines = file.read_bytes().splitlines(keepends=True)
            contents.append(lines)
    rng = np.random.default_rng(FIRST_SEED)
    for number, lines in enumerate(contents):
        mixed = _with_others(lines, contents[number - 1], copied, rng)
        (out / f"producer-{number + 1}.csv").write_bytes(b"".join([header, *mixed]))
    return events


def _with_others(
    lines: list[bytes], others: list[bytes], count: int, rng: np.random.Generator
) -> list[bytes]:
    """`lines` with `count` lines of `others` among them, where an hour's lines lie in both."""
    taken = np.sort(rng.choice(len(others), count, replace=False))
    places = (taken * (len(lines) / len(others))).astype(np.int64)
    mixed: list[bytes] = []
    begin = 0
    for place, other in zip(places.tolist(), taken.tolist(), strict=True):
        mixed += lines[begin:place]
        mixed.append(others[other])
        begin = place
    return mixed + lines[begin:]
