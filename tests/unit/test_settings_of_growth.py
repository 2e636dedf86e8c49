"""Settings that delete things must not be guessed at."""

from __future__ import annotations

import pytest

from clickstream_assets.settings import Settings, SettingsError


@pytest.mark.parametrize("text", ["0", "-1", "30d", "1.5", "many", "1e3", "99999999"])
def test_a_retention_that_is_no_number_of_days_is_one_sentence(text: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^CLICKSTREAM_RETENTION_DAYS is '.*': give a whole number of days"
    ):
        Settings.from_env({"CLICKSTREAM_RETENTION_DAYS": text})


def test_unless_asked_for_nothing_is_dropped_and_no_file_is_touched() -> None:
    settings = Settings.from_env({"CLICKSTREAM_RETENTION_DAYS": " ", "CLICKSTREAM_FINISHED_FILES": ""})
    assert settings.retention_days is None
    assert settings.finished_files == "keep"
    assert settings.finished_hours == 24


def test_a_policy_that_does_not_exist_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="CLICKSTREAM_FINISHED_FILES is 'remove'"):
        Settings.from_env({"CLICKSTREAM_FINISHED_FILES": "remove"})
