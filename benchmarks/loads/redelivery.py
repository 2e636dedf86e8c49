"""Re-delivery: events that are stored already come again in other files, against their first delivery.

Each file of the second delivery holds the rows of one of the first and one new row, so that no hash of a file tells it.
"""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.loads.comparison import MILLION, Load, Ratio, measured, ratio
from benchmarks.loads.throughput import require_events
from benchmarks.loads.workloads import WORKLOADS
from benchmarks.place import Place, benchmark_place
from benchmarks.variants import hand, own
from benchmarks.variants.variant import Variant

VARIANTS = (own.COPY, hand.SQL_OURS, hand.SORTED_SQL_OURS)


@dataclass
class Redelivery:
    """One way's counted rounds."""

    name: str
    rows: int
    first: list[Load] = field(default_factory=list)
    again: list[Load] = field(default_factory=list)

    @property
    def takes(self) -> Ratio:
        """How many times as long the second delivery takes as the first."""
        return ratio([load.seconds for load in self.again], [load.seconds for load in self.first])


def measure_redelivery(
    rows: int, rounds: int, say: Callable[[str], None], only: Sequence[str] = ()
) -> list[Redelivery]:
    """Deliver `rows` rows twice, `rounds` times after a round of warm-up."""
    ours, *others = VARIANTS
    variants = [ours, *(other for other in others if not only or other.name.startswith(tuple(only)))]
    results = {variant.name: Redelivery(variant.name, rows) for variant in variants}
    workload = WORKLOADS["random"]
    with (
        benchmark_place(with_jdbc=False) as place,
        tempfile.TemporaryDirectory(prefix="clickstream-bench-") as directory,
    ):
        first, again = Path(directory) / "first", Path(directory) / "again"
        first.mkdir()
        say(f"Writing {rows:,} rows twice …")
        events = workload.write(rows, first)
        place.ensure_partitions(workload.months)
        new = _write_again(first, again)
        for number in range(rounds + 1):
            for variant in variants:
                variant.reset(place)
                loads = [
                    _delivered(place, variant, first, events),
                    _delivered(place, variant, again, events + new),
                ]
                variant.reset(place)
                say(f"round {number or 'warm-up'}: {variant.name}: {loads[0].seconds:.1f} s, "
                    f"again {loads[1].seconds:.1f} s")  # fmt: skip
                if number:
                    results[variant.name].first.append(loads[0])
                    results[variant.name].again.append(loads[1])
    return list(results.values())


def redelivery_table(results: Sequence[Redelivery]) -> str:
    """One row per way."""
    lines = [
        "| variant | first delivery: rows/s | CPU s per million rows | again: rows/s | CPU s per million rows "
        "| again takes … times as long |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for result in results:
        cells = [cell for loads in (result.first, result.again) for cell in _cells(loads, result.rows)]
        lines.append(f"| {' | '.join([result.name, *cells, str(result.takes)])} |")
    return "\n".join(lines)


def _cells(loads: Sequence[Load], rows: int) -> list[str]:
    middle = sorted(loads, key=lambda load: load.seconds)[len(loads) // 2]
    return [f"{rows / middle.seconds:,.0f}", f"{middle.cpu_seconds / rows * MILLION:.1f}"]


def _delivered(place: Place, variant: Variant, source: Path, events: int) -> Load:
    """Load copies of the files of `source`, which are then all that lies in the events directory."""
    place.clear_files()
    for file in source.iterdir():
        shutil.copy(file, place.settings.events_dir)
    load = measured(place, variant.load)
    require_events(place, variant, events)
    return load


def _write_again(first: Path, again: Path) -> int:
    """Each file under another name and with one event more; returns how many more these are."""
    again.mkdir()
    files = sorted(first.iterdir())
    for file in files:
        content = file.read_bytes()
        last_line = content.splitlines(keepends=True)[-1]
        other = (
            str(uuid.uuid4()).encode() + last_line[last_line.index(b",") :]
        )  # event_id is the first column
        (again / f"again-{file.name}").write_bytes(content + other)
    return len(files)
