"""Previews of tables that hostile files have filled. Guards against an asset that fails because of what it shows."""

from __future__ import annotations

import pytest
from databases import Database, run_sql
from ledger_books import LedgerBooks
from psycopg2.extensions import connection as Connection

from clickstream_assets.assets.previews import preview


def test_a_preview_shows_any_byte_of_a_rejected_row(database: Database, reader: Connection) -> None:
    """A NUL byte among the newest rejects once failed the asset after each catch-up."""
    books = LedgerBooks(database.owner_url)
    file_id = books.add_file("a.csv")
    books.add_reject(file_id, 2, b"nul \0 here", "nul_byte")
    books.add_reject(file_id, 3, bytes(range(128, 160)), "invalid_utf8")
    books.add_reject(file_id, 4, "é日".encode() * 40, "invalid_price")  # cut within a character
    shown = preview(reader, "previews.rejects").md_str or ""
    assert "nul \\\\x00 here" in shown
    assert "\\\\x80\\\\x81" in shown
    assert "é日" in shown


@pytest.mark.parametrize(
    "name", ["previews.events", "previews.rejects", "sessions.preview", "user_agents.preview"]
)
def test_a_preview_that_cannot_be_had_says_so(database: Database, reader: Connection, name: str) -> None:
    table = {"previews.events": "events", "previews.rejects": "rejected_events"}.get(
        name, name.partition(".")[0]
    )
    run_sql(database.owner_url, f"REVOKE SELECT ON {table} FROM clickstream_reader")
    assert (preview(reader, name).md_str or "").startswith("No preview: permission denied")
