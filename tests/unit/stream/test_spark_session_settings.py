"""Spark's settings, here and on a cluster. Guards the local mode, which must not change with the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clickstream_assets.paths import PROJECT_ROOT
from spark.stream.session import CLUSTER_ENVIRONMENT, PYTHON_PATH, session_settings

HOME = Path("/home/of/it")
GIVEN = {
    "CLICKSTREAM_SPARK_DRIVER_HOST": "stream-driver",
    "CLICKSTREAM_SPARK_DRIVER_BIND_ADDRESS": "0.0.0.0",  # noqa: S104
    "CLICKSTREAM_SPARK_EXECUTOR_MEMORY": "3g",
    "CLICKSTREAM_SPARK_EXECUTOR_CORES": "2",
    "CLICKSTREAM_SPARK_MAX_CORES": "4",
}


@pytest.mark.parametrize("master", ["local[*]", "local[2]", "local"])
def test_on_this_machine_spark_listens_to_this_machine_whatever_the_environment_says(master: str) -> None:
    settings = session_settings(master, HOME, None, GIVEN)
    assert settings["spark.driver.host"] == settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert settings == session_settings(master, HOME, None, {})
    assert not any(name.startswith("spark.executor.") and "Java" not in name for name in settings)


def test_on_a_cluster_the_environment_says_where_the_driver_is_and_how_large_executors_are() -> None:
    settings = session_settings("spark://spark-master:7077", HOME, None, GIVEN)
    assert {variable: settings[name] for variable, name in CLUSTER_ENVIRONMENT.items()} == GIVEN


def test_on_a_cluster_what_the_environment_leaves_out_is_sparks_own_default() -> None:
    settings = session_settings("spark://spark-master:7077", HOME, None, {"CLICKSTREAM_SPARK_MAX_CORES": " "})
    assert not set(CLUSTER_ENVIRONMENT.values()) & set(settings)


def test_the_workers_python_finds_this_project() -> None:
    settings = session_settings("spark://spark-master:7077", HOME, None, {})
    assert settings["spark.executorEnv.PYTHONPATH"] == PYTHON_PATH
    assert str(PROJECT_ROOT) in PYTHON_PATH.split(os.pathsep)


@pytest.mark.parametrize("master", ["local[*]", "spark://spark-master:7077"])
def test_a_jdbc_driver_goes_to_the_executors_too(master: str) -> None:
    assert session_settings(master, HOME, "/driver.jar", {})["spark.jars"] == "/driver.jar"
    assert "spark.jars" not in session_settings(master, HOME, None, {})


@pytest.mark.parametrize("master", ["local[*]", "spark://spark-master:7077"])
def test_no_secret_is_a_setting(master: str) -> None:
    environment = {**GIVEN, "CLICKSTREAM_STREAM_DATABASE_URL": "postgresql://w:s3cret@db/x"}
    assert "s3cret" not in str(session_settings(master, HOME, None, environment))
