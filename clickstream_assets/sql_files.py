"""The SQL of the program: named statements, in one file per topic (`sql/queries/`) or summary (`sql/summaries/`).

A statement begins below its name, `-- name: lease.take` in `sql/queries/lease.sql`, and ends where the next one does.
Parameters are written `%(name)s`; identifiers are written `{name}`, for `psycopg2.sql`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from clickstream_assets.paths import SQL_DIR

_NAME = re.compile(r"^-- name: ([a-z_]+\.[a-z_]+)\n", re.MULTILINE)


def statement(name: str) -> str:
    """The text of a statement, by its full name (`lease.take`), which stands in the code as one literal.

    Raises:
        LookupError: there is no such statement.
    """
    return statements(name.partition(".")[0])[name]


@cache
def statements(topic: str) -> Mapping[str, str]:
    """The statements of one topic or summary, by their full names.

    Raises:
        LookupError: there is no such topic.
    """
    files = list(SQL_DIR.glob(f"*/{topic}.sql"))
    if len(files) != 1:
        raise LookupError(f"{len(files)} files in {SQL_DIR} are called {topic}.sql")
    _, *parts = _NAME.split(files[0].read_text(encoding="utf-8"))
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


def migrations() -> dict[int, Path]:
    """The files that upgrade an older schema, by the version that they lead to, in order."""
    files = sorted((SQL_DIR / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    return {int(file.name[:4]): file for file in files}


def newest_version() -> int:
    """The schema version that this program needs."""
    return max(migrations(), default=1)
