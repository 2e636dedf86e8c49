"""What `sql/postgres_setup.sql` says of a table, for Dagster's catalogue: its comment, its columns and theirs.

Belongs here: reading that file, whose comments thus serve psql and the catalogue alike and cannot drift apart.
Does not belong here: the database, which need not exist when Dagster loads the definitions.
"""

from __future__ import annotations

import re
from functools import cache

import dagster as dg

from clickstream_assets.paths import SQL_DIR

_TABLE = r"^CREATE TABLE IF NOT EXISTS {table} \(\n(.*?)^\)"
# Constraints of a table begin with a capital.
_COLUMN = re.compile(r"^    ([a-z_]+) +(double precision|[a-z]+(?:\[\])?)(.*)$", re.MULTILINE)
_COMMENT = re.compile(r"^COMMENT ON (?:TABLE|COLUMN) ([a-z_.]+) IS '((?:[^']|'')*)';$", re.MULTILINE)


def table_comment(table: str) -> str:
    """The comment on a table. Raises KeyError where it has none."""
    return _comments()[table]


def table_schema(table: str) -> dg.TableSchema:
    """The columns of a table with their comments. Raises KeyError where a column has none."""
    body = re.search(_TABLE.format(table=table), _setup(), re.MULTILINE | re.DOTALL)
    if body is None:
        raise KeyError(table)
    return dg.TableSchema(
        columns=[
            dg.TableColumn(name, kind, _comments()[f"{table}.{name}"], _constraints(rest))
            for name, kind, rest in _COLUMN.findall(body.group(1))
        ]
    )


def _constraints(declaration: str) -> dg.TableColumnConstraints:
    key = "PRIMARY KEY" in declaration
    return dg.TableColumnConstraints(
        nullable=not key and "NOT NULL" not in declaration, unique=key or "UNIQUE" in declaration
    )


@cache
def _setup() -> str:
    return (SQL_DIR / "postgres_setup.sql").read_text(encoding="utf-8")


@cache
def _comments() -> dict[str, str]:
    return {name: text.replace("''", "'") for name, text in _COMMENT.findall(_setup())}
