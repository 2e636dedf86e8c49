"""History: a million rows into a table that holds many, against the same rows into an empty table.

Two databases, side by side, round after round; the rows of a round are the same for both. The stream runs as a program
each time, as in a cron job. Its micro-batches are what the ledger says; the wall clock has its start in it as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from benchmarks.loads.comparison import Ratio, ratio
from benchmarks.place import run_as
from benchmarks.programs import benchmark_home, load_generated
from benchmarks.statements import statement
from clickstream_assets.database import connect
from clickstream_assets.generator.spec import SEEDED_UNTIL, GenerationSpec
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.schema import setup_databases
from clickstream_assets.settings import Settings

Times = Literal["same", "later"]
FILES = 4
WEEK = timedelta(days=7)
STEP_ROWS, ROWS_PER_FILE = 2_000_000, 250_000  # of history, loaded at a time
FIRST_SEED = 1_000_000  # of the measured rows; those of history lie below


@dataclass
class Side:
    """One of the two databases, and the counted rounds."""

    name: str
    batch_seconds: list[float] = field(default_factory=list)  # of the micro-batches together
    wall_seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class HistoryCost:
    """How long the same rows take into an empty table and into a large one."""

    rows: int
    history: int
    times: Times
    empty: Side
    large: Side

    @property
    def batches(self) -> Ratio:
        return ratio(self.large.batch_seconds, self.empty.batch_seconds)

    @property
    def wall(self) -> Ratio:
        return ratio(self.large.wall_seconds, self.empty.wall_seconds)


def measure_history(
    history: int, rows: int, rounds: int, times: Times, say: Callable[[str], None]
) -> HistoryCost:
    """Load `history` rows of a week, then `rows` rows, `rounds` times after a round of warm-up.

    Args:
        times: whether these are of the `same` week, or `later` than all of history.
    """
    cost = HistoryCost(rows, history, times, Side("empty"), Side(f"{history:,} rows"))
    until = SEEDED_UNTIL if times == "later" else SEEDED_UNTIL - WEEK
    with benchmark_home() as empty, benchmark_home() as large:
        for _, settings in (empty, large):
            setup_databases(Connections(settings))
        _load_history(*large, history, say)
        for number in range(rounds + 1):
            run_as(Connections(empty[1]).url("owner"), statement("empty"))
            for side, home in ((cost.empty, empty), (cost.large, large)):
                run_as(Connections(home[1]).url("owner"), statement("checkpoint"))
                batches, wall = _timed(*home, rows, FIRST_SEED + number, until)
                say(
                    f"round {number or 'warm-up'}: {side.name}: {batches:.1f} s of micro-batches, {wall:.1f} s in all"
                )
                if number:
                    side.batch_seconds.append(batches)
                    side.wall_seconds.append(wall)
    return cost


def history_table(cost: HistoryCost) -> str:
    """One row per database, round by round, and the ratios."""
    lines = [
        f"{cost.rows:,} rows, {'of the same week as' if cost.times == 'same' else 'later than'} the history:",
        "",
        "| history | seconds of micro-batches, round by round | wall clock, with the start "
        "| micro-batches take … times as long | wall clock |",
        "|---|---:|---:|---:|---:|",
    ]
    for side in (cost.empty, cost.large):
        batches, wall = (
            ", ".join(f"{second:.1f}" for second in seconds)
            for seconds in (side.batch_seconds, side.wall_seconds)
        )
        ratios = f"{cost.batches} | {cost.wall}" if side is cost.large else "1.00 | 1.00"
        lines.append(f"| {side.name} | {batches} | {wall} | {ratios} |")
    return "\n".join(lines)


def _load_history(
    environment: dict[str, str], settings: Settings, history: int, say: Callable[[str], None]
) -> None:
    loaded = 0
    while loaded < history:
        step = min(STEP_ROWS, history - loaded)
        spec = _spec(step, -(-step // ROWS_PER_FILE), loaded // STEP_ROWS, SEEDED_UNTIL - WEEK)
        load_generated(settings, environment, spec)
        loaded += step
        say(f"{loaded:,} rows of history")
    # Else a vacuum of all of it runs by itself beside some round.
    run_as(Connections(settings).url("owner"), statement("tidy_events"))


def _timed(
    environment: dict[str, str], settings: Settings, rows: int, seed: int, until: datetime
) -> tuple[float, float]:
    """Seconds of the micro-batches and of the whole program."""
    connection = connect(Connections(settings).url("reader"), "benchmarks", autocommit=True)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement("last_batch"))
            ((before,),) = cursor.fetchall()
            wall = load_generated(settings, environment, _spec(rows, FILES, seed, until))
            cursor.execute(statement("batches_after"), {"batch_id": before})
            ((inserted, _, seconds),) = cursor.fetchall()
    finally:
        connection.close()
    if inserted != rows:
        raise RuntimeError(f"the stream stored {inserted:,} of {rows:,} events.")
    return seconds, wall


def _spec(rows: int, files: int, seed: int, until: datetime) -> GenerationSpec:
    return GenerationSpec(events=rows, files=files, seed=seed, until=until)
