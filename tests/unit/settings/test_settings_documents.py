"""What is written about the settings is what the settings are. Guards a setting that nobody can find, or set."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.settings import Settings
from clickstream_assets.settings.environment import file_variable, is_secret
from clickstream_assets.settings.values import variable_of
from scripts import settings_documents

SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(settings_documents.COMPOSE.read_text())["services"]
# What the stack of Compose decides itself, and what nobody can set there; the file says why.
NOT_IN_COMPOSE = {
    *("home", "database_url", "dagster_database_url"),
    *("database_password", "writer_password", "reader_password", "dagster_password"),
    *("spark_master", "spark_driver_host", "spark_driver_bind_address"),
    *("role_prefix", "jdbc_jar", "retention_days"),
}


def test_readmes_table_is_made_from_the_settings() -> None:
    text = settings_documents.README.read_text()
    assert settings_documents.BEGIN in text
    assert settings_documents.with_table(text) == text, "run `make settings`"


def test_the_example_of_the_environment_is_made_from_the_settings() -> None:
    text = settings_documents.EXAMPLE.read_text()
    assert settings_documents.with_settings(text) == text, "run `make settings`"


def test_the_example_can_be_used_as_it_is_with_every_line_taken_in() -> None:
    text = settings_documents.EXAMPLE.read_text().partition(settings_documents.COMPOSE_BEGIN)[0]
    given = dict(
        line.removeprefix("#").split("=", 1) for line in text.splitlines() if re.match(r"#[A-Z0-9_]+=", line)
    )
    assert set(given) == {variable_of(name) for name in settings_documents.users_settings()}
    settings = Settings.from_env(given)
    defaults = Settings.from_env({})
    for name in settings_documents.users_settings():
        if getattr(defaults, name) is not None:
            assert getattr(settings, name) == getattr(defaults, name), name


@pytest.mark.parametrize("name", settings_documents.users_settings())
def test_each_setting_is_one_or_more_sentences_with_a_default_or_what_goes_without_one(name: str) -> None:
    field = Settings.model_fields[name]
    assert field.description
    assert field.description.endswith(".")
    unset = settings_documents._extra(field)["unset"]
    assert bool(unset) == (field.default is None or field.default_factory is not None)


def test_compose_hands_on_what_a_user_may_set() -> None:
    passed_on = set(settings_documents.passed_on())
    assert passed_on | NOT_IN_COMPOSE == set(settings_documents.users_settings())
    assert passed_on.isdisjoint(NOT_IN_COMPOSE)
    head = settings_documents.COMPOSE.read_text().partition("services:")[0]
    told = {"role_prefix", "jdbc_jar", "retention_days", "home", "spark_master"}
    assert {name for name in told if variable_of(name) not in head} == set()


def test_compose_sets_nothing_that_is_no_setting_and_with_the_defaults_of_the_settings() -> None:
    known = {variable_of(name): field for name, field in Settings.model_fields.items()}
    files = {file_variable(name) for name, field in Settings.model_fields.items() if is_secret(field)}
    for service, description in SERVICES.items():
        for variable, value in description.get("environment", {}).items():
            if not variable.startswith("CLICKSTREAM_"):
                continue
            assert variable in known.keys() | files, (service, variable)
            if default := re.fullmatch(rf"\$\{{{variable}:-(.*)\}}", str(value)):
                given = Settings.from_env({variable: default[1]})
                if not variable.startswith("CLICKSTREAM_SPARK_"):
                    name = variable.removeprefix("CLICKSTREAM_").lower()
                    assert getattr(given, name) == getattr(Settings.from_env({}), name), (service, variable)


def test_driver_and_workers_of_compose_share_the_spool_where_a_directory_is_named() -> None:
    shared = "${CLICKSTREAM_SPOOL_DIR:-spool}:/spool"
    assert [name for name in SERVICES if shared in SERVICES[name].get("volumes", [])] == [
        "spark-worker",
        "dagster-code",
    ]
    assert (
        SERVICES["dagster-code"]["environment"]["CLICKSTREAM_SPOOL_DIR"] == "${CLICKSTREAM_SPOOL_DIR:+/spool}"
    )
    assert all(
        f" {folder} " in (PROJECT_ROOT / "Dockerfile").read_text() for folder in ("/spool", "/archive")
    )
