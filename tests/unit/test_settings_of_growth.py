"""Settings that delete things must not be guessed at."""

from __future__ import annotations

from pathlib import Path

import pytest

from clickstream_assets.errors import SettingsError
from clickstream_assets.settings import Settings


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


def test_relative_paths_stay_what_they_are_for_a_process_with_another_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    relative = {
        "CLICKSTREAM_HOME": "home",
        "CLICKSTREAM_EVENTS_DIR": "events",
        "CLICKSTREAM_ARCHIVE_DIR": "archive",
        "CLICKSTREAM_SOURCE_MAPPING": "mapping.toml",
    }
    monkeypatch.chdir(tmp_path)
    given = Settings.from_env(relative).path_variables()
    assert given == {name: str(tmp_path / value) for name, value in relative.items()}
    assert "CLICKSTREAM_SOURCE_MAPPING" not in Settings.from_env({}).path_variables()
