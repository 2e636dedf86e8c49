"""What is taken from a bucket, in which order, and what becomes of it; with a real S3 server and the real ledger."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from cloud_sources import HEADER, ROW, CloudSources
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from object_server import ObjectServer, without_query


def test_an_object_is_fetched_and_its_file_goes_once_it_is_stored(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/date=2026-01-01/a.csv", HEADER + ROW)
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: cloud.files() == [("cloud", "date=2026-01-01/a.csv", "registered")])
    assert cloud.landed() == ["date=2026-01-01/a.csv"]
    cloud.store()
    cloud.wait_for(lambda: cloud.objects() == [("date=2026-01-01/a.csv", "done", "committed")])
    assert cloud.landed() == []
    assert server.keys(bucket) == ["in/date=2026-01-01/a.csv"]  # left


def test_an_object_that_is_replaced_is_another_delivery_and_waits_for_the_first(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW)
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: cloud.files() == [("cloud", "a.csv", "registered")])
    server.put(bucket, "in/a.csv", HEADER + ROW + ROW)
    cloud.wait_for(lambda: [row[1] for row in cloud.objects()] == ["fetched", "listed"])
    cloud.store()
    cloud.wait_for(lambda: [row[1] for row in cloud.objects()] == ["done", "fetched"])
    cloud.wait_for(lambda: [row[2] for row in cloud.files()] == ["committed", "registered"])
    cloud.store()
    cloud.wait_for(lambda: [row[1] for row in cloud.objects()] == ["done", "done"])
    assert cloud.rows("SELECT rows_expected::int FROM ingest_files ORDER BY file_id") == [(1,), (2,)]


def test_an_object_that_is_replaced_while_it_is_fetched_is_never_half_one_and_half_the_other(
    cloud: CloudSources, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clickstream_assets.object_stores.fetching.RANGE_BYTES", 64 * 1024)
    bucket = server.bucket()
    old, new = HEADER + ROW * 5000, HEADER + ROW.replace("view", "purchase") * 4000
    server.put(bucket, "in/a.csv", old)
    reads = []

    def replace(method: str, path: str) -> None:
        if method == "GET" and without_query(path).endswith("a.csv"):
            reads.append(path)
            if len(reads) == 2:
                server.put(bucket, "in/a.csv", new)

    server.faults.refuse = replace
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: cloud.files() == [("cloud", "a.csv", "registered")])
    assert [row[1] for row in cloud.objects()] == ["replaced", "fetched"]
    assert (
        cloud.rows("SELECT encode(content_hash, 'hex') FROM ingest_files")[0][0]
        == hashlib.sha256(new.encode()).hexdigest()
    )


def test_a_connection_that_is_lost_in_an_object_is_gone_on_with_where_it_was(
    cloud: CloudSources, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clickstream_assets.object_stores.fetching.RANGE_BYTES", 1024 * 1024)
    bucket = server.bucket()
    content = (HEADER + "".join(ROW.replace("u,", f"u{number},") for number in range(60_000))).encode()
    server.put(bucket, "in/a.csv", content)
    cuts = iter([400_000, 0, 600_000, 700_000])

    def cut(method: str, path: str) -> int | None:
        is_object = method == "GET" and without_query(path).endswith("a.csv")
        return next(cuts, None) if is_object else None

    server.faults.cut_after = cut
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: cloud.files() == [("cloud", "a.csv", "registered")])
    assert next(cuts, None) is None
    assert (
        cloud.rows("SELECT encode(content_hash, 'hex') FROM ingest_files")[0][0]
        == hashlib.sha256(content).hexdigest()
    )


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (503, "SlowDown", "wants to be asked less often (SlowDown)"),
        (403, "InvalidAccessKeyId", "does not take the credentials, its access key is not known"),
        (403, "SignatureDoesNotMatch", "its secret key does not belong to its access key"),
        (403, "AccessDenied", "these credentials may not list it (AccessDenied)"),
        (404, "NoSuchBucket", "there is no such bucket; create it, or name the right one"),
        (500, "InternalError", "cannot be read (InternalError)"),
    ],
)
def test_a_bucket_that_cannot_be_used_is_a_reason_of_its_source_and_the_others_go_on(
    cloud: CloudSources, server: ObjectServer, status: int, code: str, said: str
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW)
    server.faults.refuse = lambda method, path: (status, code)
    cloud.start('[web]\ndirectory = "web"\n' + cloud.section(bucket))
    cloud.wait_for(lambda: cloud.problem() is not None)
    problem = cloud.problem() or ""
    assert problem.startswith(f"s3://{bucket}/in/")
    assert said in problem
    assert "secret" not in problem.replace("its secret key", "")
    (cloud.place / "web" / "b.csv").write_text(HEADER + ROW)
    cloud.wait_for(lambda: cloud.files() == [("web", "b.csv", "registered")])
    server.reset()
    cloud.wait_for(lambda: ("cloud", "a.csv", "registered") in cloud.files() and cloud.problem() is None)


def test_a_server_that_hangs_up_is_asked_again(cloud: CloudSources, server: ObjectServer) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW)
    server.faults.is_closed = True
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: "does not answer" in (cloud.problem() or ""))
    server.faults.is_closed = False
    cloud.wait_for(lambda: cloud.files() == [("cloud", "a.csv", "registered")] and cloud.problem() is None)


def test_one_object_that_is_refused_holds_up_no_other_and_is_a_reason_of_the_source(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    for name in ("a.csv", "b.csv"):
        server.put(bucket, f"in/{name}", HEADER + ROW.replace("u,", f"{name},"))
    server.faults.refuse = lambda method, path: (
        (403, "InvalidObjectState") if without_query(path).endswith("a.csv") else None
    )
    cloud.start(cloud.section(bucket))
    cloud.wait_for(
        lambda: cloud.files() == [("cloud", "b.csv", "registered")] and cloud.problem() is not None
    )
    assert cloud.problem() == (
        f"of s3://{bucket}/in/, in/a.csv cannot be taken: the server refuses it (InvalidObjectState)"
    )


def test_no_more_is_fetched_ahead_than_the_source_says(cloud: CloudSources, server: ObjectServer) -> None:
    bucket = server.bucket()
    for number in range(6):
        server.put(bucket, f"in/{number}.csv", HEADER + ROW.replace("u,", f"u{number},") * 1000)
    size = len(HEADER + ROW.replace("u,", "u0,") * 1000)
    cloud.start(cloud.section(bucket, f"fetch_ahead_mb = {size * 2.5 / 1e6}"))
    for stored in (2, 4, 6):
        cloud.wait_for(lambda stored=stored: len(cloud.files()) == stored)  # type: ignore[misc]
        assert len(cloud.landed()) <= 2
        cloud.store()
    cloud.wait_for(lambda: {row[1] for row in cloud.objects()} == {"done"})


def test_a_file_that_is_larger_than_what_may_be_fetched_ahead_is_fetched_alone(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW * 1000)
    cloud.start(cloud.section(bucket, "fetch_ahead_mb = 0.001"))
    cloud.wait_for(lambda: cloud.files() == [("cloud", "a.csv", "registered")])


def test_stored_objects_are_tagged_besides_the_tags_that_they_have(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW)
    server.client.put_object_tagging(
        Bucket=bucket, Key="in/a.csv", Tagging={"TagSet": [{"Key": "owner", "Value": "shop"}]}
    )
    cloud.start(cloud.section(bucket, 'after_commit = "tag"'))
    cloud.wait_for(lambda: [row[1] for row in cloud.objects()] == ["done"], storing=True)
    assert server.tags(bucket, "in/a.csv") == {"owner": "shop", "clickstream": "committed"}


def test_stored_objects_are_moved_and_what_could_not_be_read_stays(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/x/a.csv", HEADER + ROW)
    server.put(bucket, "in/b.csv", "no header of ours\n")
    cloud.start(cloud.section(bucket, 'after_commit = "move"\nmove_to = "loaded"'))
    cloud.wait_for(lambda: {row[1] for row in cloud.objects()} == {"done"}, storing=True)
    assert server.keys(bucket) == ["in/b.csv", "loaded/x/a.csv"]
    assert cloud.objects() == [("b.csv", "done", "rejected"), ("x/a.csv", "done", "committed")]


def test_a_lost_home_loads_nothing_twice_and_fetches_again_what_was_not_stored(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW)
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: [row[1] for row in cloud.objects()] == ["done"], storing=True)
    server.put(bucket, "in/b.csv", HEADER + ROW + ROW)
    cloud.wait_for(lambda: len(cloud.files()) == 2)
    cloud.stop()
    shutil.rmtree(cloud.home / "objects")
    # A task that finds nothing where the file was registered.
    cloud.rows(
        "UPDATE ingest_files SET status = 'changed', reason = 'changed' WHERE path = 'b.csv' RETURNING 1"
    )
    server.faults.asked.clear()
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: len(cloud.files()) == 3)
    assert cloud.files()[1:] == [("cloud", "b.csv", "changed"), ("cloud", "b.csv", "registered")]
    assert not [path for method, path in server.faults.asked if method == "GET" and "a.csv" in path]


def test_what_was_fetched_and_not_registered_when_the_stream_was_killed_is_fetched_again(
    cloud: CloudSources, server: ObjectServer
) -> None:
    """After a crash of the machine its file may have no content, and its name all the same."""
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW)
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: len(cloud.files()) == 1)
    cloud.stop()
    cloud.rows("DELETE FROM ingest_chunks RETURNING 1")
    cloud.rows("DELETE FROM ingest_files RETURNING 1")
    (cloud.landing / "a.csv").write_text("half")
    (cloud.landing / ".fetching" / "99").write_text("half")
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: len(cloud.files()) == 1)
    assert cloud.rows("SELECT rows_expected::int, status FROM ingest_files") == [(1, "registered")]
    assert list((cloud.landing / ".fetching").iterdir()) == []


def test_keys_that_are_no_names_of_files_are_taken_and_hidden_ones_are_not(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    for key in (
        "in/x//a.csv",
        f"in/{'é' * 200}.csv",
        "in/ümlaut +&.csv",
        "in/_SUCCESS",
        "in/.b.csv",
        "in/c.csv.tmp",
    ):
        server.put(bucket, key, HEADER + ROW.replace("u,", f"{len(key)},"))
    server.client.put_object(Bucket=bucket, Key="in/folder/")
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: len(cloud.files()) == 3)
    paths = [str(row[1]) for row in cloud.files()]
    assert "x/%/a.csv" in paths
    assert "ümlaut +&.csv" in paths
    assert len(cloud.objects()) == 3


def test_an_object_that_is_called_as_anothers_folder_waits_for_it(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a", HEADER + ROW)
    server.put(bucket, "in/a/b.csv", HEADER + ROW + ROW)
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: "folder" in (cloud.problem() or ""))
    cloud.store()
    cloud.rows("UPDATE ingest_objects SET try_after = NULL RETURNING 1")
    cloud.wait_for(lambda: {row[2] for row in cloud.objects()} == {"committed"}, storing=True)
    assert cloud.problem() is None


def test_a_catch_up_ends_when_all_objects_that_were_there_are_registered(
    cloud: CloudSources, server: ObjectServer, tmp_path: Path
) -> None:
    bucket = server.bucket()
    for number in range(30):
        server.put(bucket, f"in/{number}.csv", HEADER + ROW.replace("u,", f"u{number},"))
    registered = tmp_path / "registered"
    cloud.start(cloud.section(bucket, "fetch_ahead_mb = 0.0005"), registered)
    cloud.wait_for(registered.exists, storing=True)
    assert len(cloud.files()) == 30


def test_a_catch_up_does_not_wait_for_ever_for_a_bucket_that_cannot_be_used(
    cloud: CloudSources, server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spark.objects.object_intake.GIVE_UP_SECONDS", 0.5)
    server.faults.refuse = lambda method, path: (403, "AccessDenied")
    registered = tmp_path / "registered"
    cloud.start(cloud.section(server.bucket()), registered)
    cloud.wait_for(registered.exists)


def test_a_missing_library_is_said_in_one_sentence(
    cloud: CloudSources, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(__import__("sys").modules, "clickstream_assets.object_stores.s3", raising=False)
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    bucket = server.bucket()
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: cloud.problem() is not None)
    assert cloud.problem() == (
        f"s3://{bucket}/in/ cannot be read without boto3: install it with pip install 'clickstream-assets[s3]'"
    )


def test_the_rules_of_the_source_hold_for_objects_too_and_a_held_one_gives_way(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW + ROW.replace("view", "dance"))
    cloud.start(cloud.section(bucket, "error_budget = 10"))
    cloud.wait_for(lambda: cloud.files() == [("cloud", "a.csv", "held")])
    server.put(bucket, "in/a.csv", HEADER + ROW)
    cloud.wait_for(lambda: [row[2] for row in cloud.files()] == ["held", "registered"])


def test_ten_thousand_objects_are_listed_in_looks_of_a_bounded_number_of_pages(
    cloud: CloudSources, server: ObjectServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is seen first is fetched before the rest is seen."""
    monkeypatch.setattr("spark.objects.listing.PAGES", 2)
    bucket = server.bucket()
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]  # ten thousand requests would take a minute
    for number in range(10_000):
        backend.put_object(bucket, f"in/{number:05d}.csv", (HEADER + ROW).encode())
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: len(cloud.objects()) == 10_000)
    asked = ["list" if "list-type" in path else "object" for _, path in server.faults.asked]
    assert asked[:2] == ["list", "list"]
    assert "object" in asked[2:12]
    cloud.wait_for(
        lambda: cloud.rows("SELECT objects::int, after_key FROM ingest_listings") == [(10_000, None)]
    )


def test_a_directory_that_somebody_deletes_is_made_again(cloud: CloudSources, server: ObjectServer) -> None:
    bucket = server.bucket()
    server.put(bucket, "in/a.csv", HEADER + ROW)
    cloud.start(cloud.section(bucket))
    cloud.wait_for(lambda: [row[1] for row in cloud.objects()] == ["done"], storing=True)
    shutil.rmtree(cloud.landing)
    server.put(bucket, "in/b.csv", HEADER + ROW + ROW)
    cloud.wait_for(lambda: len(cloud.files()) == 2 and cloud.problem() is None)


def test_of_a_bucket_with_versions_each_delivery_is_a_version_and_a_deleted_object_is_gone(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket = server.bucket()
    server.client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    server.put(bucket, "in/a.csv", HEADER + ROW)
    cloud.start(cloud.section(bucket, 'after_commit = "tag"'))
    cloud.wait_for(lambda: cloud.files() == [("cloud", "a.csv", "registered")])
    server.put(bucket, "in/a.csv", HEADER + ROW + ROW)
    cloud.wait_for(lambda: [row[1] for row in cloud.objects()] == ["fetched", "listed"])
    cloud.wait_for(lambda: [row[1] for row in cloud.objects()] == ["done", "done"], storing=True)
    found = server.client.list_object_versions(Bucket=bucket)["Versions"]
    versions = [one["VersionId"] for one in sorted(found, key=lambda one: one["Size"])]
    assert cloud.rows("SELECT version_id FROM ingest_objects ORDER BY object_id") == [(v,) for v in versions]
    for version in versions:
        tags = server.client.get_object_tagging(Bucket=bucket, Key="in/a.csv", VersionId=version)["TagSet"]
        assert tags == [{"Key": "clickstream", "Value": "committed"}]

    server.faults.refuse = lambda method, path: (
        (503, "SlowDown") if method == "GET" and without_query(path).endswith("b.csv") else None
    )
    server.put(bucket, "in/b.csv", HEADER + ROW)
    cloud.wait_for(lambda: cloud.objects()[-1][:2] == ("b.csv", "listed") and cloud.problem() is not None)
    server.client.delete_object(
        Bucket=bucket, Key="in/b.csv"
    )  # a mark, before which the version is still there
    server.reset()
    cloud.wait_for(lambda: cloud.objects()[-1] == ("b.csv", "gone", None) and cloud.problem() is None)


@pytest.mark.faults  # the server of the tests takes a minute to list them
@pytest.mark.timeout(900)
def test_a_hundred_thousand_objects_are_listed_on_from_where_a_stream_was_ended(
    cloud: CloudSources, server: ObjectServer
) -> None:
    bucket, count = server.bucket(), 100_000
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    for number in range(count):
        backend.put_object(bucket, f"in/{number:06d}.csv", b"")
    listed = "SELECT objects::int, after_key FROM ingest_listings"
    cloud.start(cloud.section(bucket))
    limit = time.monotonic() + 600

    def wait_for(condition: Callable[[], bool]) -> None:
        while not condition():
            assert time.monotonic() < limit, cloud.rows(listed)
            time.sleep(0.05)

    wait_for(lambda: len(cloud.objects()) >= count // 5)
    cloud.stop()
    ((_, after),) = cloud.rows(listed)
    server.faults.asked.clear()
    cloud.start(cloud.section(bucket))
    wait_for(lambda: len(cloud.objects()) == count)
    lists = [path for _, path in server.faults.asked if "list-type" in path]
    assert f"start-after={quote(str(after), safe='')}" in lists[0]
    assert len(lists) <= 85, "what was listed before the end was listed again"
