"""How long files rest, and which links are followed."""

from __future__ import annotations

import pytest

from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings, follows_links


def test_a_last_line_without_an_end_is_waited_for_and_links_are_not_followed_unless_asked_for() -> None:
    settings = Settings.from_env({"CLICKSTREAM_SETTLE_SECONDS": "0"})
    assert (settings.settle_unterminated_seconds, settings.follow_links) == (60, False)


def test_both_can_be_set() -> None:
    given = {"CLICKSTREAM_SETTLE_UNTERMINATED_SECONDS": "5", "CLICKSTREAM_FOLLOW_LINKS": "1"}
    settings = Settings.from_env(given)
    assert (settings.settle_unterminated_seconds, settings.follow_links) == (5, True)


def test_the_looks_at_the_directory_follow_what_the_stream_follows(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, follows in (("", False), ("0", False), ("1", True)):
        monkeypatch.setenv("CLICKSTREAM_FOLLOW_LINKS", text)
        assert follows_links() == Settings.from_env().follow_links == follows


def test_a_word_that_is_neither_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match=r"^CLICKSTREAM_FOLLOW_LINKS is 'yes': give one of 0, 1"):
        Settings.from_env({"CLICKSTREAM_FOLLOW_LINKS": "yes"})
