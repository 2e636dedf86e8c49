"""How a bucket is listed: bounded looks, on from where the last one stopped, and again from the first key in time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from clickstream_assets.file_names import is_ignored
from clickstream_assets.object_stores.bucket import Page, StoredObject
from spark.objects import listing as listing_module
from spark.objects.listing import PAGES, BucketListing
from spark.objects.object_ledger import Listed

PAGE = 1000
THEN = datetime(2026, 1, 1, tzinfo=UTC)


class Bucket:
    """Keys in their order, a page at a time."""

    def __init__(self, keys: list[str]) -> None:
        self.keys = sorted(keys)
        self.asked: list[str | None] = []

    def page(self, after: str | None) -> Page:
        self.asked.append(after)
        rest = [key for key in self.keys if after is None or key > after]
        objects = tuple(StoredObject(key, "etag", THEN, 1) for key in rest[:PAGE])
        return Page(objects, objects[-1].key if len(rest) > PAGE else None)


class Ledger:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.noted: set[str] = set()
        self.listed = Listed()

    def note(self, objects: list[tuple[StoredObject, str]]) -> int:
        self.noted |= {found.key for found, _ in objects}
        return len(objects)

    def listing(self) -> Listed:
        return self.listed

    def note_listing(
        self, after: str | None, highest: str | None, objects: int, *, is_complete: bool
    ) -> None:
        self.listed = Listed(after, highest, objects, 0.0 if is_complete else None)


def new_listing(ledger: Ledger) -> BucketListing:
    return BucketListing(ledger, "", is_ignored, 0.0)  # type: ignore[arg-type]


def keys(number: int) -> list[str]:
    return [f"{key:06d}.csv" for key in range(number)]


def test_a_look_asks_for_a_bounded_number_of_pages_and_the_next_goes_on() -> None:
    bucket, ledger = Bucket(keys(25_000)), Ledger()
    listing = new_listing(ledger)
    for noted in (10_000, 20_000, 25_000):
        bucket.asked.clear()
        listing.look(bucket)  # type: ignore[arg-type]
        assert len(bucket.asked) <= PAGES
        assert len(ledger.noted) == noted
    assert listing.is_complete


def test_another_start_goes_on_where_the_last_look_stopped() -> None:
    bucket, ledger = Bucket(keys(25_000)), Ledger()
    new_listing(ledger).look(bucket)  # type: ignore[arg-type]
    bucket.asked.clear()
    new_listing(ledger).look(bucket)  # type: ignore[arg-type]
    assert bucket.asked[0] == "009999.csv"


def test_keys_behind_the_highest_are_seen_at_once_and_others_by_the_next_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bucket, ledger = Bucket(keys(3_000)), Ledger()
    clock = [0.0]
    monkeypatch.setattr(listing_module.time, "monotonic", lambda: clock[0])
    listing = new_listing(ledger)
    listing.look(bucket)  # type: ignore[arg-type]
    bucket.keys = sorted([*bucket.keys, "000500a.csv", "999999.csv"])
    bucket.asked.clear()
    clock[0] = 1.0
    listing.look(bucket)  # type: ignore[arg-type]
    assert bucket.asked == ["002999.csv"]
    assert "999999.csv" in ledger.noted
    assert "000500a.csv" not in ledger.noted
    clock[0] = listing_module.PASS_SECONDS + 1
    listing.look(bucket)  # type: ignore[arg-type]
    assert "000500a.csv" in ledger.noted


def test_where_all_is_one_page_every_look_is_a_pass() -> None:
    bucket, ledger = Bucket(["b.csv"]), Ledger()
    listing = new_listing(ledger)
    listing.look(bucket)  # type: ignore[arg-type]
    bucket.keys = ["a.csv", "b.csv"]
    listing.look(bucket)  # type: ignore[arg-type]
    assert ledger.noted == {"a.csv", "b.csv"}
    assert bucket.asked == [None, None]


def test_an_empty_bucket_is_listed_to_its_end() -> None:
    listing = new_listing(Ledger())
    listing.look(Bucket([]))  # type: ignore[arg-type]
    assert listing.is_complete


def test_hidden_and_unfinished_names_and_folders_are_left_alone() -> None:
    ledger = Ledger()
    new_listing(ledger).look(Bucket(["a.csv", "b/", "_SUCCESS", "x/.c.csv", "d.csv.tmp", "_x/e.csv"]))  # type: ignore[arg-type]
    assert ledger.noted == {"a.csv"}


def test_a_hundred_thousand_keys_are_ten_looks_and_one_page_a_look_afterwards() -> None:
    bucket, ledger = Bucket(keys(100_000)), Ledger()
    listing = new_listing(ledger)
    looks = 0
    while not listing.is_complete:
        listing.look(bucket)  # type: ignore[arg-type]
        looks += 1
    assert (looks, len(bucket.asked), len(ledger.noted)) == (10, 100, 100_000)
    bucket.asked.clear()
    listing.look(bucket)  # type: ignore[arg-type]
    assert bucket.asked == ["099999.csv"]
