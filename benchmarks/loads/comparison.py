"""What was measured of loads, and what is made of it: medians, and medians of ratios within a round."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.place import Place

MILLION = 1_000_000


@dataclass(frozen=True)
class Load:
    """One load of all files."""

    seconds: float
    cpu_seconds: float  # of all processes: see `cpu`


def measured(place: Place, load: Callable[[Place], None]) -> Load:
    cpu, started = place.cpu.seconds(), time.perf_counter()
    load(place)
    seconds = time.perf_counter() - started
    return Load(seconds, place.cpu.seconds() - cpu)


@dataclass(frozen=True)
class Ratio:
    """The median over the rounds, and the least and the greatest."""

    median: float
    least: float
    greatest: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f} to {self.greatest:.2f})"


def ratio(numerators: list[float], denominators: list[float]) -> Ratio:
    """Of two measurements in the same rounds: a machine that others use is faster now and slower then."""
    found = [above / below for above, below in zip(numerators, denominators, strict=True)]
    return Ratio(statistics.median(found), min(found), max(found))


@dataclass
class Comparison:
    """The counted rounds of several ways to load the same files."""

    about: str
    rows: int
    loads: dict[str, list[Load]] = field(default_factory=dict)  # by way, a load per round
    promises: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, promise: str, load: Load) -> None:
        self.loads.setdefault(name, []).append(load)
        self.promises[name] = promise

    @property
    def rounds(self) -> int:
        return len(next(iter(self.loads.values())))

    def seconds(self, name: str) -> list[float]:
        return [load.seconds for load in self.loads[name]]

    def rows_per_second(self, name: str) -> float:
        """Of the median round."""
        return self.rows / statistics.median(self.seconds(name))

    def times_as_fast(self, name: str, other: str) -> Ratio:
        return ratio(self.seconds(other), self.seconds(name))

    def times_the_cpu(self, name: str, other: str) -> Ratio:
        return ratio(*([load.cpu_seconds for load in self.loads[each]] for each in (name, other)))

    def cpu_per_million(self, name: str) -> float:
        """CPU seconds per million rows, of the median round."""
        return statistics.median(load.cpu_seconds for load in self.loads[name]) / self.rows * MILLION
