"""What `sql/postgres_setup.sql` says of a table: its comment, its columns and theirs.

The comments in that file serve psql and the catalogues alike, so they cannot drift apart. The database need not exist
when Dagster loads the definitions, and is not asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from clickstream_assets.paths import SQL_DIR

_TABLE = r"^CREATE TABLE IF NOT EXISTS {table} \(\n(.*?)^\)"
# Constraints of a table begin with a capital.
_COLUMN = re.compile(r"^    ([a-z_]+) +(double precision|[a-z]+(?:\[\])?)(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"^COMMENT ON (?:TABLE|COLUMN) ([a-z_.]+) IS '((?:[^']|'')*)';$", re.MULTILINE)


@dataclass(frozen=True)
class Column:
    """A column of a table, as PostgreSQL has it."""

    name: str
    type: str
    comment: str
    is_nullable: bool
    is_unique: bool


def table_comment(table: str) -> str:
    """The comment on a table. Raises KeyError where it has none."""
    return _comments()[table]


def table_columns(table: str) -> list[Column]:
    """The columns of a table. Raises KeyError where there is no such table, or where a column has no comment."""
    body = re.search(_TABLE.format(table=table), _setup(), re.MULTILINE | re.DOTALL)
    if body is None:
        raise KeyError(table)
    return [
        _column(name, kind, _comments()[f"{table}.{name}"], rest)
        for name, kind, rest in _COLUMN.findall(body.group(1))
    ]


def _column(name: str, kind: str, comment: str, rest: str) -> Column:
    key = "PRIMARY KEY" in rest
    return Column(
        name,
        kind,
        comment,
        is_nullable=not key and "NOT NULL" not in rest,
        is_unique=key or "UNIQUE" in rest,
    )


@cache
def _setup() -> str:
    return (SQL_DIR / "postgres_setup.sql").read_text(encoding="utf-8")


@cache
def _comments() -> dict[str, str]:
    return {name: text.replace("''", "'") for name, text in _COMMENT.findall(_setup())}
