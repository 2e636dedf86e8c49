"""The asset `clickstream_report` on real tables: what it says is what they hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from control_plane import ControlPlane
from ledger_books import LedgerBooks, Part
from summary_data import Event, refresh_all, store_batch

from clickstream_assets.database import connect
from clickstream_assets.report.facts import read_facts

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)
HOSTILE = "<script>alert(1)</script>"


def test_the_report_says_what_the_tables_hold_and_is_written_where_it_says(control: ControlPlane) -> None:
    connection = connect(control.database.writer_url, "tests")
    store_batch(
        connection,
        [
            Event(HOUR, "a", "view", Decimal("4.50"), HOSTILE),
            Event(HOUR, "a", "purchase", Decimal("4.50"), HOSTILE),
            Event(HOUR + timedelta(hours=2), "b", "view", Decimal(1)),
        ],
    )
    refresh_all(connection)
    books = LedgerBooks(control.database.owner_url)
    books.commit(Part(books.add_file("f.csv", expected=10, chunks=1), inserted=6, duplicate=3, rejected=1))
    books.add_file("again.csv", status="duplicate", expected=5)

    reader = connect(control.database.reader_url, "tests", autocommit=True)
    facts = read_facts(reader)
    assert facts.until == HOUR + timedelta(hours=3)
    assert (facts.totals["events"], facts.totals["revenue"]) == (3, Decimal("4.50"))
    assert [row["views"] for row in facts.traffic[-3:]] == [1, 0, 1]
    assert len(facts.traffic) == 7 * 24
    assert [(row["product_id"], row["purchases"]) for row in facts.products] == [(HOSTILE, 1), ("p1", 0)]
    assert sum(row["sessions"] for row in facts.funnel) == sum(row["sessions"] for row in facts.devices) == 2
    sums = {name: sum(row[name] for row in facts.quality) for name in ("inserted", "duplicate", "rejected")}
    assert sums == {"inserted": 3 + 6, "duplicate": 3 + 5, "rejected": 1}
    assert [row["reason"] for row in facts.rejects] == ["invalid_price"]
    assert sum(row["files"] for row in facts.latency) == 1
    control.update_lease("epoch = 1, started_at = now() - interval '1 minute'")
    assert read_facts(reader).latency == (), "a file that waited for the very first stream is no usual one"
    connection.close()
    reader.close()

    result = control.execute("daily_report")
    assert result.success
    (event,) = result.asset_materializations_for_node("clickstream_report")
    path = control.settings.home / "report" / "clickstream_report.html"
    assert event.metadata["path"].value == str(path)
    page = path.read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_database_without_events_gets_a_report_that_says_so(control: ControlPlane) -> None:
    assert control.execute("daily_report").success
    page = (control.settings.home / "report" / "clickstream_report.html").read_text()
    assert "No events yet." in page
