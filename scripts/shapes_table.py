"""A table of what becomes of other producers' files: each is loaded by a real stream into a database of its own.

    .venv/bin/python scripts/shapes_table.py SHAPE...

A shape is a directory with the files in `files/` and, where they need one, the mapping in `mapping.toml`. Per shape:
`clickstream check-source`, `stream --available-now`, and `verify --values`, which reads all files again by code of its
own. `reading.sql` says in DuckDB's SQL, with `files/` as the working directory, which events there are: user, session,
action, product, time in UTC and price. With it, what is stored is compared with DuckDB's reading, row by row, for
which `pip install duckdb`. `tests/support/rows/shapes.py DIRECTORY` writes some shapes.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

CLICKSTREAM = (sys.executable, "-m", "clickstream_assets.cli")
HEAD = (
    "| shape | lines of configuration | check-source | rows | inserted | duplicate | rejected "
    "| the second reader agrees | DuckDB agrees |\n"
    "|---|---:|---|---:|---:|---:|---|---|---|"
)
COUNTS = """
SELECT json_build_object(
    'rows', coalesce(sum(rows_read), 0), 'inserted', coalesce(sum(rows_inserted), 0),
    'duplicate', coalesce(sum(rows_duplicate), 0), 'refused', count(*) FILTER (WHERE status = 'rejected'),
    'reasons', (SELECT json_object_agg(reason, rows) FROM
        (SELECT reason, count(*) AS rows FROM rejected_events GROUP BY reason ORDER BY 2 DESC) AS r))
FROM ingest_files
"""
STORED = """
SELECT coalesce(json_agg(json_build_array(
    user_id, session_id, action_type, product_id, to_char(event_time AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
    price::text)), '[]')
FROM events
"""
Values = Counter[tuple[object, ...]]


@dataclass(frozen=True)
class Shape:
    """A directory as above."""

    directory: Path

    @property
    def files(self) -> Path:
        return self.directory / "files"

    @property
    def mapping(self) -> Path | None:
        path = self.directory / "mapping.toml"
        return path if path.exists() else None

    @property
    def reading(self) -> str | None:
        path = self.directory / "reading.sql"
        return path.read_text() if path.exists() else None

    @property
    def lines(self) -> int:
        """Of configuration, without blank ones and comments."""
        if self.mapping is None:
            return 0
        lines = (line.strip() for line in self.mapping.read_text().splitlines())
        return sum(1 for line in lines if line and not line.startswith("#"))


def row(shape: Shape) -> str:
    """The shape's row of the table."""
    with tempfile.TemporaryDirectory(prefix="clickstream-shapes-") as directory:
        home = Path(directory)
        home.chmod(0o755)  # as root, PostgreSQL runs under another account
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("CLICKSTREAM_")
        }
        environment |= {"CLICKSTREAM_HOME": str(home), "CLICKSTREAM_EVENTS_DIR": str(shape.files)}
        if shape.mapping is not None:
            environment["CLICKSTREAM_SOURCE_MAPPING"] = str(shape.mapping)
        checked = _run(environment, "check-source", str(shape.files))
        server = subprocess.Popen([*CLICKSTREAM, "postgres"], env=environment, stdout=subprocess.DEVNULL)
        try:
            _wait_for(environment)
            loaded = _run(environment, "stream", "--available-now")
            if loaded.returncode:
                raise SystemExit(f"{shape.directory}: {loaded.stderr[-2_000:]}")
            counts = json.loads(_run(environment, "psql", "-XAtc", COUNTS).stdout)
            audit = json.loads(_run(environment, "verify", "--values", "--json").stdout)
            stored = json.loads(_run(environment, "psql", "-XAtc", STORED).stdout)
        finally:
            server.terminate()
            server.wait()
    return _line(shape, checked.returncode, counts, audit, _compared(shape, _values(stored)))


def _compared(shape: Shape, stored: Values) -> str:
    """What DuckDB says of the same files."""
    if shape.reading is None:
        return "not read"
    import duckdb

    with contextlib.chdir(shape.files):
        read = _values(duckdb.sql(shape.reading).fetchall())
    if read == stored:
        return f"yes, {read.total():,} rows"
    return f"NO: {(read - stored).total():,} are not stored, {(stored - read).total():,} are not in the files"


def _values(rows: Iterable[Sequence[object]]) -> Values:
    found: Values = Counter()
    for user, session, action, product, moment, price in rows:
        text = f"{moment:%Y-%m-%d %H:%M:%S.%f}" if isinstance(moment, datetime) else moment
        number = None if price is None else Decimal(str(price)).normalize()
        found[user, session, action, product, text, number] += 1
    return found


def _wait_for(environment: dict[str, str]) -> None:
    for _ in range(60):
        if _run(environment, "setup-db").returncode == 0:
            return
        time.sleep(1)
    raise SystemExit("The database does not start.")


def _run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CLICKSTREAM, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def _line(shape: Shape, check: int, counts: dict, audit: dict, compared: str) -> str:  # type: ignore[type-arg]
    reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in (counts["reasons"] or {}).items()) or "none"
    if counts["refused"]:
        reasons += f"; {counts['refused']} files refused"
    cells = [
        shape.directory.name,
        str(shape.lines),
        {0: "all become events", 1: "some do not"}.get(check, "refused"),
        *(f"{counts[name]:,}" for name in ("rows", "inserted", "duplicate")),
        reasons,
        "yes" if audit["ok"] else "NO",
        compared,
    ]
    return f"| {' | '.join(cells)} |"


def main(directories: Sequence[str]) -> None:
    sys.stdout.write(f"{HEAD}\n")
    for directory in directories:
        sys.stdout.write(f"{row(Shape(Path(directory).absolute()))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
