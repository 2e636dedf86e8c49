"""The files in Dagster's home, which a person may delete while its programs run."""

import shutil
from pathlib import Path

from clickstream_assets.settings import Settings
from clickstream_assets.up.dagster import (
    dagster_home,
    prepare_home,
    read_configuration,
    restore_configuration,
    write_workspace,
)


def test_configuration_that_was_deleted_is_written_again_as_it_was(tmp_path: Path) -> None:
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(tmp_path / "home")})
    prepare_home(settings)
    write_workspace(settings, tmp_path / "code.sock")
    files = read_configuration(settings)
    assert not restore_configuration(files)
    shutil.rmtree(dagster_home(settings))
    assert restore_configuration(files)
    assert read_configuration(settings) == files


def test_configuration_that_is_there_is_left_alone(tmp_path: Path) -> None:
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(tmp_path / "home")})
    prepare_home(settings)
    write_workspace(settings, tmp_path / "code.sock")
    files = read_configuration(settings)
    (dagster_home(settings) / "workspace.yaml").unlink()
    changed = dagster_home(settings) / "dagster.yaml"
    changed.write_text("telemetry: {enabled: false}\n")
    assert restore_configuration(files)
    assert changed.read_text() == "telemetry: {enabled: false}\n"
