"""Previews: some rows of a table as Markdown, for the metadata of assets.

The rows may hold what hostile files brought.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import dagster as dg
import psycopg2
from psycopg2.extensions import connection as Connection

from clickstream_assets.sql_files import statement

PREVIEW_ROWS = 10
CELL_LENGTH = 60  # characters

# What could end the cell, the row, or the text: the browser renders what stands here.
_ACTIVE = re.compile(r"([\\`*_{}\[\]()<>#+!|~&:@/-])")


def preview(connection: Connection, name: str, rows: int = PREVIEW_ROWS) -> dg.MarkdownMetadataValue:
    """The result of the statement `name`, which takes the parameter `rows`, as a Markdown table.

    What cannot be shown is said so: the asset is made all the same. The connection autocommits.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement(name), {"rows": rows})
            columns = [column.name for column in cursor.description or ()]
            return dg.MetadataValue.md(markdown_table(columns, cursor.fetchall()))
    except psycopg2.Error as error:
        return dg.MetadataValue.md(f"No preview: {_cell(error)}")


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table that shows every value as text, whatever it holds."""
    lines = [[_cell(column) for column in columns], ["---"] * len(columns)]
    lines += [[_cell(value) for value in row] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, memoryview | bytes):  # of a file: any byte may be in it
        decoded = bytes(value).decode("utf-8", "backslashreplace")
        value = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in decoded)
    text = "" if value is None else str(value)
    text = "".join(c if c.isprintable() else " " for c in text)
    if len(text) > CELL_LENGTH:
        text = text[: CELL_LENGTH - 1] + "…"
    return _ACTIVE.sub(r"\\\1", text) or " "
