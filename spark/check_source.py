"""What would become of the files in a directory: the cleaning of the stream on a sample, nothing written.

    python spark/check_source.py DIR [--files N] [--rows N]

A program of its own, like the stream, which needs neither Spark nor a database. Exit codes: 0 all of the sample would
become events; 1 some would not; 2 wrong settings.
"""

from __future__ import annotations

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

# Started as a file, Python puts this folder first on its path, where `spark` would mean nothing.
sys.path[0] = str(Path(__file__).resolve().parent.parent)

from clickstream_assets.errors import SettingsError  # noqa: E402
from clickstream_assets.exits import EXPECTED, end_by  # noqa: E402
from clickstream_assets.settings import Settings  # noqa: E402
from spark.cleaning.time_bounds import TimeBounds  # noqa: E402
from spark.mapping.source_mapping import read_mapping  # noqa: E402
from spark.sample.report import report  # noqa: E402
from spark.sample.sampling import find_files, sample_file, spread  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description="Say what would become of the files in a directory.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--files", type=int, default=20, help="look at so many files at most")
    parser.add_argument("--rows", type=int, default=1000, help="and at so many rows of each")
    arguments = parser.parse_args()
    try:
        settings = Settings.from_env()
        mapping = read_mapping(settings.source_mapping)
        root = os.fsencode(arguments.directory.absolute())
        if not arguments.directory.is_dir():
            raise SettingsError(f"{arguments.directory} is no directory: name the one with the event files.")
        found = find_files(root, follow_links=settings.follow_links)
        candidates = found.files
        if not candidates:
            raise SettingsError(f"There are no files in {arguments.directory}: put one there.")
        bounds = TimeBounds.at(datetime.now(UTC), settings.retention_days)
        samples = [
            sample_file(
                root,
                candidate,
                number,
                arguments.rows,
                mapping,
                bounds,
                follow_links=settings.follow_links,
            )
            for number, candidate in enumerate(spread(candidates, arguments.files))
        ]
        lines, is_good = report(samples, len(candidates), mapping, found.ignored)
    except EXPECTED as error:
        return end_by(error, "clickstream check-source")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
