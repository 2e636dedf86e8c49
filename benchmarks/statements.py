"""The benchmarks' own SQL, in `benchmarks/sql/`: what other ways to load would run, and what is read off the tables."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from psycopg2 import sql

SQL_DIR = Path(__file__).parent / "sql"


@cache
def statement(name: str) -> str:
    """The text of `benchmarks/sql/<name>.sql`; parameters as `%(name)s`, tables as `{table}`."""
    return (SQL_DIR / f"{name}.sql").read_text(encoding="utf-8")


def on_table(name: str, table: str) -> sql.Composed:
    """The statement `name` on `table`, which may be written with its schema."""
    return sql.SQL(statement(name)).format(table=sql.Identifier(*table.split(".")))
