"""What cannot be read: waited for, then set aside, tried all the while, and forgotten once it can be read."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from spark.discovery.unread import ASIDE_SECONDS, Unread


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_pauses_grow_and_the_time_is_counted_from_the_first_failure(clock: Clock) -> None:
    unread = Unread()
    pauses = [unread.failed(b"a", "why") for _ in range(6)]
    assert all(one <= other for one, other in pairwise(pauses))
    assert pauses[0] < pauses[-1] < ASIDE_SECONDS
    clock.now = 61
    assert unread.failed(b"a", "why else") < ASIDE_SECONDS
    assert unread.lasts(b"a") == 61
    assert unread.trouble() == "why else"


def test_what_is_set_aside_troubles_nobody_and_is_tried_now_and_then(clock: Clock) -> None:
    unread = Unread()
    unread.failed(b"a", "of a")
    assert unread.failed(b"a", "of a", is_aside=True) == ASIDE_SECONDS
    assert unread.failed(b"a", "of a") == ASIDE_SECONDS, "it stays so"
    assert unread.trouble() is None
    unread.failed(b"b", "of b")
    assert unread.trouble() == "of b"
    unread.was_read(b"a")
    assert not unread.is_aside(b"a")
    assert unread.lasts(b"a") == 0


def test_what_lasts_too_long_is_set_aside_once(clock: Clock) -> None:
    unread = Unread()
    unread.failed(b"old", "of old")
    clock.now = 50
    unread.failed(b"new", "of new")
    clock.now = 61
    assert unread.set_aside_after(60) == [b"old"]
    assert unread.set_aside_after(60) == []
    assert unread.trouble() == "of new"


def test_what_did_not_fail_in_a_round_can_be_read_again(clock: Clock) -> None:
    unread = Unread()
    unread.begin_round()
    for path in (b"a", b"b"):
        unread.failed(path, "why")
    unread.end_round()
    unread.begin_round()
    unread.failed(b"b", "why")
    unread.end_round()
    assert (b"a" in unread, b"b" in unread) == (False, True)
    unread.keep({b"c"})
    assert b"b" not in unread
