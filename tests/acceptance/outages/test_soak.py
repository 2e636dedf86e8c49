"""Ten minutes of `make soak`, with a fault every 40 seconds."""

from __future__ import annotations

import sys

import pytest
from soak import soak

pytestmark = [pytest.mark.spark, pytest.mark.faults, pytest.mark.timeout(1800)]


def test_ten_minutes_of_faults_lose_nothing_and_store_nothing_twice() -> None:
    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")

    assert soak(minutes=10, every=40, rate=200, seed=7, say=say) == []
