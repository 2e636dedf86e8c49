"""The stream from end to end on real Spark and PostgreSQL: what becomes of rows and files."""

from __future__ import annotations

import gzip
import os
import uuid
from pathlib import Path

import pytest
from made_ids import uuid_of_text, uuid_of_values
from stream_pipeline import BOTH_SINKS, HEADER, Pipeline, event

from clickstream_assets.data_generator import GenerationSpec, generate_files

pytestmark = pytest.mark.spark


def test_events_arrive_typed_and_with_where_they_came_from(pipeline: Pipeline) -> None:
    line = event(1, action_type=" Purchase ", price="1299.50", user_agent='"Mozilla/5.0 (X11, ""Linux"")"')
    pipeline.write("a.csv", event(0) + line)
    pipeline.load()
    assert pipeline.rows(
        "SELECT event_id::text, user_id, session_id, action_type, product_id, event_time::text, price::text,"
        " user_agent, extra, batch_id, file_id, line_no FROM events WHERE line_no = 3"
    ) == [
        ("00000000-0000-4000-8000-000000000001", "u1", "s1", "purchase", "p1", "2026-01-01 00:00:01+00", "1299.50",
         'Mozilla/5.0 (X11, "Linux")', None, 1, 1, 3)
    ]  # fmt: skip
    pipeline.assert_conserved()


@pytest.mark.parametrize("sink", BOTH_SINKS)
def test_generated_files_are_counted_exactly_as_their_manifest_says(pipeline: Pipeline, sink: str) -> None:
    spec = GenerationSpec(events=30_000, files=5, duplicates=0.05, malformed=0.02, late=0.01, seed=11)
    truth = generate_files(spec, pipeline.root)
    pipeline.load(sink=sink)  # type: ignore[arg-type]
    assert pipeline.counts() == (truth.rows, truth.unique_events, truth.duplicates, truth.malformed)
    assert pipeline.rows("SELECT count(*)::int FROM events") == [(truth.unique_events,)]
    pipeline.assert_conserved()


def test_a_large_batch_is_merged_part_by_part_with_the_same_books(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark.sink.batch_run.SMALL_ROWS", 100)
    truth = generate_files(
        GenerationSpec(events=60_000, files=3, duplicates=0.1, malformed=0.05, seed=5), pipeline.root
    )
    pipeline.load()
    assert pipeline.counts() == (truth.rows, truth.unique_events, truth.duplicates, truth.malformed)
    assert pipeline.rows("SELECT count(*)::int FROM pg_tables WHERE schemaname = 'staging'") == [(1,)]
    assert pipeline.rows("SELECT count(*)::int FROM staging.finished_parts") == [(0,)]
    pipeline.assert_conserved()


def test_loading_again_changes_nothing(pipeline: Pipeline) -> None:
    pipeline.write("a.csv", event(1) + event(2))
    pipeline.load()
    pipeline.load()
    assert pipeline.counts() == (2, 2, 0, 0)
    assert pipeline.rows("SELECT count(*)::int FROM ingest_batches") == [(1,)]


def test_the_same_content_under_another_name_is_a_file_of_duplicates_that_nobody_reads(
    pipeline: Pipeline,
) -> None:
    pipeline.write("a.csv", event(1) + event(2))
    pipeline.load()
    pipeline.write("b.csv", event(1) + event(2))
    pipeline.load()
    assert pipeline.files() == [("committed", None), ("duplicate", None)]
    assert pipeline.counts() == (4, 2, 2, 0)
    pipeline.assert_conserved()


def test_a_file_overwritten_under_its_name_is_another_file(pipeline: Pipeline) -> None:
    pipeline.write("a.csv", event(1) + event(2))
    pipeline.load()
    pipeline.write("a.csv", event(2) + event(3))
    pipeline.load()
    assert pipeline.files() == [("committed", None), ("committed", None)]
    assert pipeline.counts() == (4, 3, 1, 0)
    pipeline.assert_conserved()


def test_a_file_that_vanishes_after_it_was_registered_has_a_row_that_says_so(pipeline: Pipeline) -> None:
    from clickstream_assets.database import connect
    from spark.lease import Lease

    gone = pipeline.write("gone.csv", event(1))
    pipeline.write("stays.csv", event(2))
    lease = Lease(pipeline.database.writer_url, "catch-up", None, pipeline.failures.append)
    connection = connect(pipeline.database.writer_url, "tests-intake")
    pipeline.intake(lease, connection).register_present_files()
    connection.close()
    lease.release("test")
    gone.unlink()
    pipeline.load(register=False)
    assert sorted(pipeline.files()) == [("changed", "changed"), ("committed", None)]
    assert pipeline.counts() == (1, 1, 0, 0)
    pipeline.assert_conserved()


def test_a_file_that_grows_after_it_was_registered_is_discarded_whole_and_registered_anew(
    pipeline: Pipeline,
) -> None:
    from clickstream_assets.database import connect
    from spark.lease import Lease

    growing = pipeline.write("grows.csv", event(1))
    lease = Lease(pipeline.database.writer_url, "catch-up", None, pipeline.failures.append)
    connection = connect(pipeline.database.writer_url, "tests-intake")
    pipeline.intake(lease, connection).register_present_files()
    connection.close()
    lease.release("test")
    with growing.open("a") as file:
        file.write(event(2))
    pipeline.load(register=False)
    assert pipeline.files() == [("changed", "changed")]
    pipeline.load()
    assert pipeline.files() == [("changed", "changed"), ("committed", None)]
    assert pipeline.counts() == (2, 2, 0, 0)
    pipeline.assert_conserved()


def test_within_a_batch_the_earlier_file_and_line_win(pipeline: Pipeline) -> None:
    pipeline.write("1.csv", event(1))
    pipeline.load()
    pipeline.write("2.csv", event(1, price="1.00") + event(2) + event(2, price="2.00"))
    pipeline.load()
    assert pipeline.rows("SELECT file_id::int, line_no::int, price::text FROM events ORDER BY event_id") == [
        (1, 2, "9.99"),
        (2, 3, "9.99"),
    ]


def test_the_same_id_and_time_with_other_content_is_a_duplicate_that_is_kept_as_a_conflict(
    pipeline: Pipeline,
) -> None:
    pipeline.write("1.csv", event(1) + event(1, price="1.00") + event(1))
    pipeline.load()
    assert pipeline.counts() == (3, 1, 2, 0)
    assert pipeline.rows("SELECT line_no::int, content->>'price' FROM event_conflicts") == [(3, "1.00")]
    assert pipeline.rows("SELECT rows_conflict::int FROM ingest_batches") == [(1,)]


def test_rows_without_an_id_get_one_from_their_values(pipeline: Pipeline) -> None:
    line = "u1,s1,View,p1,2026-01-01 02:00:00.5+02:00,4.00,\n"
    pipeline.write(
        "a.csv", line + line, "user_id,session_id,action_type,product_id,event_time,price,user_agent\n"
    )
    pipeline.load()
    expected = uuid_of_values(["u1", "s1", "view", "p1", "1767225600500000", "4.0000000000", None])
    assert pipeline.rows("SELECT event_id::text, event_time::text FROM events") == [
        (str(expected), "2026-01-01 00:00:00.5+00")
    ]
    assert pipeline.counts() == (2, 1, 1, 0)


def test_identical_rows_without_an_id_can_be_kept_and_a_second_delivery_is_still_recognised(
    pipeline: Pipeline,
) -> None:
    header = "user_id,session_id,action_type,product_id,event_time\n"
    line = "u1,s1,view,p1,2026-01-01T00:00:00Z\n"
    pipeline.write("a.csv", line * 3, header)
    pipeline.load(identical_rows="keep")
    assert pipeline.counts() == (3, 3, 0, 0)
    pipeline.write("b.csv", line * 3 + line.replace("u1", "u2"), header)
    pipeline.load(identical_rows="keep")
    assert pipeline.counts() == (7, 4, 3, 0)
    pipeline.assert_conserved()


def test_an_id_that_is_no_uuid_becomes_one_and_its_text_is_kept(pipeline: Pipeline) -> None:
    pipeline.write(
        "a.csv", event(1, event_id="order-7781") + event(2, event_id="A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11")
    )
    pipeline.load()
    assert pipeline.rows("SELECT event_id::text, extra FROM events ORDER BY line_no") == [
        (str(uuid_of_text("order-7781")), {"event_id": "order-7781"}),
        (str(uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")), None),
    ]


def test_columns_of_other_producers_are_matched_by_name_and_the_rest_is_kept(pipeline: Pipeline) -> None:
    pipeline.write(
        "rees46.csv",
        "2019-10-01 00:00:00 UTC,view,44600062,2103807459595387724,,shiseido,35.79,541312140,72d76fde\r\n",
        "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\r\n",
    )
    pipeline.write(
        "retailrocket.csv",
        "1433221332117;0257597;addtocart;355908;x\n",
        "timestamp;visitorid;event;itemid;session_id\n",
    )
    pipeline.load()
    assert pipeline.rows(
        "SELECT user_id, session_id, action_type, product_id, event_time::text, extra FROM events ORDER BY file_id"
    ) == [
        ("541312140", "72d76fde", "view", "44600062", "2019-10-01 00:00:00+00",
         {"category_id": "2103807459595387724", "brand": "shiseido"}),
        ("0257597", "x", "add_to_cart", "355908", "2015-06-02 05:02:12.117+00", None),
    ]  # fmt: skip


def test_ten_layouts_in_one_directory_are_all_understood(pipeline: Pipeline) -> None:
    for number in range(10):
        columns = ["user_id", "session_id", "action_type", "product_id", "event_time", f"note_{number}"]
        columns = columns[number % 6 :] + columns[: number % 6]
        values = {"user_id": f"u{number}", "session_id": "s", "action_type": "view", "product_id": "p",
                  "event_time": "2026-01-01T00:00:00Z", f"note_{number}": f"n{number}"}  # fmt: skip
        pipeline.write(f"{number}.csv", ",".join(values[c] for c in columns) + "\n", ",".join(columns) + "\n")
    pipeline.load()
    assert pipeline.rows("SELECT user_id, extra FROM events ORDER BY user_id") == [
        (f"u{number}", {f"note_{number}": f"n{number}"}) for number in range(10)
    ]
    assert len(pipeline.rows("SELECT batch_id FROM ingest_batches")) == 1


def test_rejects_keep_their_bytes_their_place_and_a_reason(pipeline: Pipeline) -> None:
    bad = b"not-an-event,\xff\n"
    pipeline.write("a.csv", event(1).encode() + bad + event(2).encode())
    pipeline.load()
    offset = len(HEADER) + len(event(1))
    assert [(bytes(raw), *rest) for raw, *rest in pipeline.rows(  # type: ignore[arg-type]
        "SELECT raw, line_no::int, byte_offset::int, byte_length::int, reason FROM rejected_events"
    )] == [(b"not-an-event,\xff", 3, offset, len(bad), "invalid_utf8")]  # fmt: skip
    assert pipeline.counts() == (3, 2, 0, 1)


def test_a_batch_that_was_committed_before_spark_noted_it_is_passed_over(pipeline: Pipeline) -> None:
    pipeline.write("a.csv", event(1))
    pipeline.load()
    commit = pipeline.settings.checkpoint_dir / "commits" / "0"
    commit.unlink()
    pipeline.write("b.csv", event(2))
    pipeline.load()
    assert pipeline.counts() == (2, 2, 0, 0)
    pipeline.assert_conserved()


@pytest.mark.parametrize("damage", ["lost", "empty offsets", "empty commits", "no metadata"])
def test_a_lost_or_damaged_checkpoint_loses_and_doubles_nothing(pipeline: Pipeline, damage: str) -> None:
    pipeline.write("a.csv", event(1))
    pipeline.load()
    checkpoint = pipeline.settings.checkpoint_dir
    if damage == "lost":
        checkpoint.rename(checkpoint.with_name("elsewhere"))
    elif damage == "no metadata":
        (checkpoint / "metadata").unlink()
    else:
        (checkpoint / damage.split()[1] / "0").write_text("")
    pipeline.write("b.csv", event(1) + event(2))
    pipeline.load()
    assert pipeline.counts() == (3, 2, 1, 0)
    pipeline.assert_conserved()


def test_a_database_restored_from_a_backup_behind_the_checkpoint_gets_its_files(pipeline: Pipeline) -> None:
    for number in range(3):
        pipeline.write(f"{number}.csv", event(number))
        pipeline.load()
    for table in (
        "events",
        "event_conflicts",
        "rejected_events",
        "ingest_batches",
        "ingest_chunks",
        "ingest_files",
    ):
        pipeline.rows(f"DELETE FROM {table}")
    pipeline.rows("SELECT setval('ingest_chunks_seq', 1, false)")
    pipeline.rows("UPDATE ledger_totals SET rows = NULL, ids = NULL")
    pipeline.load()
    assert pipeline.rows("SELECT count(*)::int FROM events") == [(3,)]
    pipeline.assert_conserved()


def test_gzip_subdirectories_and_odd_names_are_read(pipeline: Pipeline) -> None:
    packed = gzip.compress((HEADER + event(1)).encode())
    pipeline.write("one.csv.gz", packed, b"")
    pipeline.write("2026/dt=01/[two]*?{x}.csv", event(2))
    pipeline.write(b"thr\xffee:\n.csv", event(3))
    pipeline.load()
    assert pipeline.counts() == (3, 3, 0, 0)
    pipeline.assert_conserved()


def test_nothing_to_do_is_no_batch(pipeline: Pipeline) -> None:
    pipeline.load()
    assert pipeline.rows("SELECT count(*)::int FROM ingest_batches") == [(0,)]


def test_a_writer_that_lost_the_lease_cannot_register_or_commit(pipeline: Pipeline) -> None:
    from clickstream_assets.database import connect
    from spark.lease import Lease, LeaseLost

    pipeline.write("a.csv", event(1))
    lease = Lease(pipeline.database.writer_url, "catch-up", None, pipeline.failures.append)
    connection = connect(pipeline.database.writer_url, "tests-intake")
    try:
        pipeline.rows("UPDATE stream_lease SET epoch = epoch + 1")
        with pytest.raises(LeaseLost):
            pipeline.intake(lease, connection).register_present_files()
    finally:
        connection.close()
        lease.release("test")
    assert pipeline.files() == []


def test_a_second_stream_refuses_and_says_who_holds_the_lease(pipeline: Pipeline) -> None:
    from spark.lease import Lease, LeaseHeld

    lease = Lease(pipeline.database.writer_url, "continuous", None, pipeline.failures.append)
    try:
        with pytest.raises(LeaseHeld, match=f"process {os.getpid()} on "):
            Lease(pipeline.database.writer_url, "catch-up", None, pipeline.failures.append)
    finally:
        lease.release("test")


def test_partitions_are_made_by_month_on_demand(pipeline: Pipeline, tmp_path: Path) -> None:
    times = ["2019-12-31T23:59:59Z", "2020-01-01T00:00:00Z", "2026-02-28T23:59:59-05:00"]
    pipeline.write("a.csv", "".join(event(n, event_time=time) for n, time in enumerate(times)))
    pipeline.load()
    assert pipeline.rows("SELECT tableoid::regclass::text FROM events ORDER BY event_time") == [
        ("events_y2019m12",),
        ("events_y2020m01",),
        ("events_y2026m03",),
    ]
