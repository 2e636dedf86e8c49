"""What would become of the files in a directory: the cleaning of the stream on a sample, nothing stored.

    python spark/check_source.py [DIR] [--source NAME] [--files N] [--rows N] [--show] [--html FILE] [--propose FILE]

A program of its own, like the stream, which needs neither Spark nor a database. Exit codes: 0 all of the sample would
become events; 1 some would not; 2 wrong settings.
"""

from __future__ import annotations

import argparse
import os
import sys
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

# Started as a file, Python puts this folder first on its path, where `spark` would mean nothing.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from clickstream_assets.contract import DEFAULT_SOURCE  # noqa: E402
from clickstream_assets.errors import SettingsError  # noqa: E402
from clickstream_assets.exits import EXPECTED, end_by  # noqa: E402
from clickstream_assets.file_names import ledger_path  # noqa: E402
from clickstream_assets.settings import Settings  # noqa: E402
from clickstream_assets.sources.source import Source  # noqa: E402
from clickstream_assets.sources.sources_file import read_sources  # noqa: E402
from spark.cleaning.time_bounds import TimeBounds  # noqa: E402
from spark.mapping.mapping_file import mapping_of, read_mapping  # noqa: E402
from spark.mapping.source_mapping import SourceMapping  # noqa: E402
from spark.sample.comparison import Compared, compared_rows  # noqa: E402
from spark.sample.page import page  # noqa: E402
from spark.sample.proposing import proposed  # noqa: E402
from spark.sample.report import by_layout, report  # noqa: E402
from spark.sample.sampling import Found, Sample, find_files, sample_file, spread  # noqa: E402
from spark.sample.side_by_side import side_by_side  # noqa: E402


def main() -> int:
    arguments = _arguments()
    try:
        settings = Settings.from_env()
        source, mapping = _source(settings, arguments.source)
        directory = arguments.directory or source.directory
        found = _files(directory, source)
        candidates = spread(found.files, arguments.files)
        bounds = TimeBounds.at(datetime.now(UTC), settings.retention_days)
        root = os.fsencode(directory.absolute())

        def sampled(by: SourceMapping) -> list[Sample]:
            return [
                sample_file(
                    root, candidate, number, arguments.rows, by, bounds, follow_links=source.follow_links
                )
                for number, candidate in enumerate(candidates)
            ]

        if arguments.propose is not None:
            text = proposed(sampled)
            mapping = _written(text, arguments.propose)
        samples = sampled(mapping)
        lines, is_good = report(samples, len(found.files), mapping, found.ignored)
        if arguments.propose is not None:
            lines = [f"{arguments.propose} is written; with it:", "", *lines]
        groups = [(_heading(alike), compared_rows(alike)) for alike in by_layout(samples).values()]
        if arguments.html is not None:
            _write(arguments.html, page(f"Check of {directory}", lines, groups))
            lines += ["", f"The page: {arguments.html}"]
    except EXPECTED as error:
        return end_by(error, "clickstream check-source")
    sys.stdout.write("\n".join([*lines, *(_rows(groups) if arguments.show else [])]) + "\n")
    return 0 if is_good else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Say what would become of the files in a directory.")
    parser.add_argument("directory", type=Path, nargs="?", help="default: that of the source")
    parser.add_argument("--source", help="read as this source is read (default: the events directory)")
    parser.add_argument("--files", type=int, default=20, help="look at so many files at most")
    parser.add_argument("--rows", type=int, default=1000, help="and at so many rows of each")
    parser.add_argument(
        "--show", action="store_true", help="ten rows per header, before and after, side by side"
    )
    parser.add_argument("--html", type=Path, help="write the same as a page of HTML")
    parser.add_argument("--propose", type=Path, help="write a first source mapping, and look with it")
    return parser.parse_args()


def _source(settings: Settings, name: str | None) -> tuple[Source, SourceMapping]:
    """A source and its mapping; a name is one of the sources' file."""
    if name is None and settings.sources is None:
        (only,) = read_sources(settings)
        return only, read_mapping(settings.source_mapping)
    sources = {source.name: source for source in read_sources(settings)}
    if (source := sources.get(name or DEFAULT_SOURCE)) is None:
        raise SettingsError(f"There is no source {name}: CLICKSTREAM_SOURCES has {', '.join(sources)}.")
    return source, mapping_of(source.mapping, source.mapping_from)


def _files(directory: Path, source: Source) -> Found:
    if not directory.is_dir():
        raise SettingsError(f"{directory} is no directory: name the one with the event files.")
    found = find_files(
        os.fsencode(directory.absolute()),
        follow_links=source.follow_links,
        ignores=source.events_directory.ignores,
    )
    if not found.files:
        raise SettingsError(f"There are no files in {directory}: put one there.")
    return found


def _written(text: str | None, path: Path) -> SourceMapping:
    """The proposed mapping, once it is in its file."""
    if text is None:
        raise SettingsError("No mapping can be proposed: columns were found in none of the files.")
    if path.exists():
        raise SettingsError(f"{path} is there already: name another file, or remove it.")
    mapping = mapping_of(tomllib.loads(text), f"{path}")
    _write(path, text)
    return mapping


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(f"{path} cannot be written: {error.strerror}.") from None


def _heading(samples: Sequence[Sample]) -> str:
    more = f" and {len(samples) - 1:,} more" if len(samples) > 1 else ""
    return f"{ledger_path(samples[0].path)}{more}"


def _rows(groups: Sequence[tuple[str, Sequence[Compared]]]) -> Iterator[str]:
    for _, rows in groups:
        yield from side_by_side(rows)


if __name__ == "__main__":
    sys.exit(main())
