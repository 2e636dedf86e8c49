"""`clickstream verify --values`. Guards against an audit that believes the table: each tampering here leaves the books
right, and must be named with its file, line and field."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from databases import Database
from shop_by_hand import IDS, ONE, Shop, line_of

from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.values_audit import audit as values_audit


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Shop:
    return Shop(database, tmp_path)


def test_a_history_that_is_as_its_files_passes(shop: Shop) -> None:
    result = shop.values()
    assert result.offences == []
    assert (result.files, result.rows, result.events, result.rejects, result.duplicates) == (2, 7, 3, 1, 3)
    assert shop.books_audit().offences == ()


@pytest.mark.parametrize(("sample", "rows"), [(1, 1), (3, 3), (7, 7), (1000, 7)])
def test_a_sample_of_it_passes_and_has_so_many_rows(shop: Shop, sample: int, rows: int) -> None:
    for _ in range(5):
        result = shop.values(sample)
        assert (result.offences, result.rows) == ([], rows)


def test_many_slices_see_each_row_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values_audit, "SLICE_ROWS", 1)
    result = shop.values()
    assert (result.offences, result.rows) == ([], 7)


OTHER_ID = IDS[9]
# name of the tampering: statement, rule, file, line, field
TAMPERINGS: dict[str, tuple[str, str, int, int, str]] = {
    **{
        f"{column} of an event changed": (
            f"UPDATE events SET {column} = {value} WHERE file_id = 1 AND line_no = 2",
            "value_differs", 1, 2, column,
        )
        for column, value in {
            "event_id": f"'{OTHER_ID}'",
            "user_id": "'U0'",
            "session_id": "'s0 '",
            "action_type": "'purchase'",
            "product_id": "'p00'",
            "event_time": "event_time + interval '1 microsecond'",
            "price": "5.5",
            "user_agent": "NULL",
            "extra": """'{"shop": "south"}'""",
        }.items()
    },
    "something was added to an event": (
        """UPDATE events SET extra = '{}' WHERE file_id = 1 AND line_no = 3""", "value_differs", 1, 3, "extra",
    ),
    "an event was replaced by a foreign one with its line": (
        f"UPDATE events SET event_id = '{OTHER_ID}', user_id = 'x' WHERE file_id = 2 AND line_no = 2",
        "value_differs", 2, 2, "event_id",
    ),
    "an event was replaced by a foreign one with another line": (
        f"UPDATE events SET event_id = '{OTHER_ID}', line_no = 77 WHERE file_id = 1 AND line_no = 3",
        "row_foreign", 1, 77, "row",
    ),
    "an event whose place a foreign one took is missing": (
        f"UPDATE events SET event_id = '{OTHER_ID}', line_no = 77 WHERE file_id = 1 AND line_no = 3",
        "row_differs", 1, 3, "row",
    ),
    "an event lies within the lines of another": (
        "UPDATE events SET line_no = 4 WHERE file_id = 1 AND line_no = 3", "row_foreign", 1, 4, "row",
    ),
    "an event lies on the line of a reject": (
        "UPDATE events SET line_no = 5 WHERE file_id = 1 AND line_no = 3", "row_differs", 1, 5, "row",
    ),
    "the reason of a reject changed": (
        "UPDATE rejected_events SET reason = 'negative_price'", "value_differs", 1, 5, "reason",
    ),
    "a reason that the time of loading decides was given to a row that it cannot be of": (
        "UPDATE rejected_events SET reason = 'event_time_out_of_range'", "value_differs", 1, 5, "reason",
    ),
    "a row was called too old that is younger than a day": (
        "UPDATE rejected_events SET reason = 'too_old', rejected_at = '2026-03-02 11:00Z'",
        "value_differs", 1, 5, "reason",
    ),
    "a bad row is said to be one that only the database refused": (
        "UPDATE rejected_events SET reason = 'refused_by_database'", "value_differs", 1, 5, "reason",
    ),
    "the evidence of a reject changed": ("UPDATE rejected_events SET raw = 'x'", "value_differs", 1, 5, "raw"),
    "the offset of a reject changed": (
        "UPDATE rejected_events SET byte_offset = 1", "value_differs", 1, 5, "byte_offset",
    ),
    "the length of a reject changed": (
        "UPDATE rejected_events SET byte_length = byte_length + 1", "value_differs", 1, 5, "byte_length",
    ),
    "a reject moved to another line": ("UPDATE rejected_events SET line_no = 55", "row_foreign", 1, 55, "row"),
    "a good row is stored as a reject": (
        "UPDATE rejected_events SET line_no = 2", "row_differs", 1, 2, "row",
    ),
    "a conflict is noted for the wrong line": (
        "UPDATE event_conflicts SET line_no = 7", "conflict_differs", 1, 7, "conflict",
    ),
    "a conflict is not noted": ("DELETE FROM event_conflicts", "conflict_differs", 1, 6, "conflict"),
    "the event that others repeat is another one": (
        f"UPDATE events SET event_id = '{OTHER_ID}' WHERE file_id = 1 AND line_no = 2", "row_differs", 2, 3, "row",
    ),
    "the event that others repeat has other values": (
        "UPDATE events SET user_id = 'x' WHERE file_id = 1 AND line_no = 2", "conflict_differs", 2, 3, "conflict",
    ),
}  # fmt: skip


@pytest.mark.parametrize("tampering", TAMPERINGS)
def test_a_tampering_is_named_with_its_line_and_field(tampering: str, shop: Shop) -> None:
    statement, rule, file_id, line_no, field = TAMPERINGS[tampering]
    shop.sql(statement)
    result = shop.values()
    assert not result.ok
    named = [(found.rule, found.file_id, found.line_no, found.field) for found in result.offences]
    assert (rule, file_id, line_no, field) in named, result.offences


def test_an_offence_says_what_is_stored_and_what_the_file_says(shop: Shop) -> None:
    shop.sql("UPDATE events SET price = 9.99 WHERE file_id = 1 AND line_no = 2")
    first = shop.values().offences[0]
    assert (first.path, first.stored, first.in_file) == ("one.csv", "9.99", "5.50")
    assert first.message == "file 1 (one.csv), line 2: price is 9.99 in the table, but 5.50 in the file"


def test_a_sample_finds_what_it_looks_at(shop: Shop) -> None:
    shop.sql("UPDATE events SET user_id = 'x' WHERE file_id = 2 AND line_no = 2")
    assert [(o.file_id, o.line_no, o.field) for o in shop.values(6).offences] == [(2, 2, "user_id")]


def test_rows_with_ids_are_the_same_where_identical_rows_are_kept(shop: Shop) -> None:
    assert shop.values(identical_rows="keep").offences == []
    assert shop.values(3, identical_rows="keep").offences == []


def test_rows_that_retention_dropped_are_counted_and_no_offence(shop: Shop) -> None:
    shop.sql("DELETE FROM events WHERE file_id = 1 AND line_no = 3")
    shop.sql(
        "INSERT INTO dropped_partitions VALUES ('events_y2026m03', '2026-03-01', '2026-03-01 12:00:00.1Z', 1)"
    )
    result = shop.values()
    assert (result.offences, result.rows_dropped) == ([], 1)


@pytest.mark.parametrize(
    ("reason", "rejected_at"),
    [
        ("too_old", "2026-03-03"),
        ("event_time_out_of_range", "2026-02-28 11:30Z"),
        ("event_time_out_of_range", "2026-02-28 12:30Z"),
        ("refused_by_database", "2026-03-01"),
    ],
)
def test_a_reason_that_only_the_day_of_loading_knew_is_believed_and_counted(
    shop: Shop, reason: str, rejected_at: str
) -> None:
    reject_a_good_row(shop, reason, rejected_at)
    result = shop.values()
    assert (result.offences, result.believed) == ([], {reason: 1})


def test_a_time_days_ahead_of_its_loading_needs_no_belief(shop: Shop) -> None:
    reject_a_good_row(shop, "event_time_out_of_range", "2026-02-27")
    result = shop.values()
    assert (result.offences, result.believed) == ([], {})


def test_a_time_that_was_not_ahead_is_no_reason(shop: Shop) -> None:
    reject_a_good_row(shop, "event_time_out_of_range", "2026-02-28 13:30Z")
    assert [(o.line_no, o.field) for o in shop.values().offences] == [(5, "row")]


def reject_a_good_row(shop: Shop, reason: str, rejected_at: str) -> None:
    """The reject of the shop becomes one of a good row, in its file as well."""
    content = ONE.replace(b",dear,", b",7.00,")
    (shop.root / "one.csv").write_bytes(content)
    shop.sql(
        "UPDATE ingest_files SET content_hash = %(hash)s WHERE file_id = 1",
        hash=hashlib.sha256(content).digest(),
    )
    shop.sql(
        "UPDATE rejected_events SET reason = %(reason)s, rejected_at = %(at)s, raw = %(raw)s",
        reason=reason, at=rejected_at, raw=line_of(content, 4),
    )  # fmt: skip


def test_an_event_from_further_in_the_future_than_allowed_is_an_offence(shop: Shop) -> None:
    shop.sql("UPDATE events SET ingested_at = '2026-02-27' WHERE file_id = 2 AND line_no = 2")
    assert [(o.rule, o.file_id, o.line_no) for o in shop.values().offences] == [("row_differs", 2, 2)]


def test_a_file_that_is_gone_is_counted_and_no_offence(shop: Shop) -> None:
    (shop.root / "one.csv").unlink()
    result = shop.values()
    assert (result.ok, result.files, result.rows) == (True, 1, 2)
    assert (result.missing["gone"], result.missing_rows["gone"]) == (1, 5)


def test_a_file_that_was_replaced_cannot_be_compared_and_is_no_offence(shop: Shop) -> None:
    (shop.root / "one.csv").write_bytes(ONE + b"more\n")
    result = shop.values()
    assert (result.ok, result.missing_paths, result.missing_rows["changed"]) == (
        True,
        [("changed", "one.csv")],
        5,
    )


def test_a_file_with_other_bytes_of_the_same_size_cannot_be_compared(shop: Shop) -> None:
    path = shop.root / "one.csv"
    path.write_bytes(ONE.replace(b"north", b"south"))
    os.utime(path, ns=(1, 1))
    result = shop.values()
    assert (result.ok, result.missing_paths) == (True, [("changed", "one.csv")])


def test_a_file_that_was_written_over_in_secret_is_an_offence(shop: Shop) -> None:
    path = shop.root / "one.csv"
    modified = path.stat().st_mtime_ns
    path.write_bytes(ONE.replace(b"north", b"south"))
    os.utime(path, ns=(modified, modified))
    result = shop.values()
    assert [(o.rule, o.file_id) for o in result.offences] == [("file_rewritten", 1)]
    assert result.missing_paths == [("rewritten", "one.csv")]


def test_the_ledgers_columns_are_compared_with_the_header(shop: Shop) -> None:
    shop.sql("UPDATE ingest_layouts SET columns[2] = 'session_id', columns[3] = 'user_id'")
    assert {(o.rule, o.file_id) for o in shop.values().offences} == {("file_header", 1), ("file_header", 2)}


def test_the_ledger_says_how_quotes_are_escaped_and_where_the_records_begin(shop: Shop) -> None:
    before = b"sep=,\n"
    content = before + ONE.replace(b'""1""', rb"\"1\"")
    (shop.root / "one.csv").write_bytes(content)
    for statement in (
        "ALTER TABLE ingest_layouts ADD COLUMN IF NOT EXISTS escape text",
        "ALTER TABLE ingest_files ADD COLUMN IF NOT EXISTS header_bytes bigint NOT NULL DEFAULT 0",
        "UPDATE ingest_layouts SET escape = E'\\\\'",
        "UPDATE events SET line_no = line_no + 1 WHERE file_id = 1",
        "UPDATE rejected_events SET line_no = line_no + 1, byte_offset = byte_offset + 6",
        "UPDATE event_conflicts SET line_no = line_no + 1",
    ):
        shop.sql(statement)
    shop.sql(
        "UPDATE ingest_files SET content_hash = %(hash)s, size_bytes = %(size)s, header_bytes = %(bytes)s"
        " WHERE file_id = 1",
        hash=hashlib.sha256(content).digest(), size=len(content), bytes=content.index(b"\n", len(before)) + 1,
    )  # fmt: skip
    result = shop.values()
    assert (result.offences, result.files) == ([], 2)
    shop.sql("UPDATE ingest_layouts SET escape = '\"'")
    assert {(o.file_id, o.line_no) for o in shop.values().offences} >= {(1, 4)}


def test_a_file_that_does_not_have_the_rows_of_the_ledger_is_an_offence(shop: Shop) -> None:
    shop.sql("UPDATE ingest_files SET rows_read = 6, rows_duplicate = 3 WHERE file_id = 1")
    assert [(o.rule, o.numbers) for o in shop.values().offences] == [
        ("file_rows", {"rows_read": 6, "in_file": 5})
    ]


@pytest.mark.parametrize("keeps_times", [True, False])
def test_an_archived_file_is_read_in_the_archive(shop: Shop, keeps_times: bool) -> None:
    shop.sql("UPDATE ingest_files SET archived_at = now(), committed_at = '2026-03-05 10:00Z'")
    for file_id, name in ((1, "one.csv"), (2, "two.csv.gz")):
        target = shop.archive / "2026-03-05" / f"{file_id}-{name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        (os.rename if keeps_times else shutil.copyfile)(shop.root / name, target)
        (shop.root / name).write_text("taken by another file") if keeps_times else (shop.root / name).unlink()
    result = shop.values()
    assert (result.offences, result.files, result.rows) == ([], 2, 7)


def test_the_audit_uses_the_mapping(shop: Shop) -> None:
    mapping = AuditMapping(actions={"buy": "add_to_cart"})
    assert [(o.line_no, o.field) for o in shop.values(mapping=mapping).offences] == [(3, "action_type")]
    shop.sql("UPDATE events SET action_type = 'add_to_cart' WHERE file_id = 1 AND line_no = 3")
    assert shop.values(mapping=mapping).ok
