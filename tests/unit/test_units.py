"""Numbers and times as people read them."""

from __future__ import annotations

import pytest

from clickstream_assets.text import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (0.0, "0 ms"),
        (0.25, "250 ms"),
        (0.9996, "1.0 s"),
        (59.9, "59.9 s"),
        (59.97, "1 min"),
        (61, "1 min 1 s"),
        (300, "5 min"),
        (3599.6, "1 h"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (86_400, "24 h"),
        (48 * 3600, "2 d"),
        (49 * 3600, "2 d 1 h"),
    ],
)
def test_a_duration_has_two_units_at_most_and_never_a_zero_one(seconds: float | None, text: str) -> None:
    assert duration(seconds) == text
