"""Spark's settings, here and on a cluster. Guards the local mode, which must not change with the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.settings import Settings
from spark.stream.session import PYTHON_PATH, session_settings

HOME = Path("/home/of/it")
GIVEN = {
    "CLICKSTREAM_SPARK_DRIVER_HOST": "stream-driver",
    "CLICKSTREAM_SPARK_DRIVER_BIND_ADDRESS": "0.0.0.0",  # noqa: S104
    "CLICKSTREAM_SPARK_EXECUTOR_MEMORY": "3g",
    "CLICKSTREAM_SPARK_EXECUTOR_CORES": "2",
    "CLICKSTREAM_SPARK_MAX_CORES": "4",
}

OF_A_CLUSTER = {
    "spark.driver.host": "stream-driver",
    "spark.driver.bindAddress": "0.0.0.0",  # noqa: S104
    "spark.executor.memory": "3g",
    "spark.executor.cores": "2",
    "spark.cores.max": "4",
}
CLUSTER_MASTER = "spark://spark-master:7077"


def settings_of(master: str, **given: str) -> Settings:
    return Settings.from_env({"CLICKSTREAM_HOME": str(HOME), "CLICKSTREAM_SPARK_MASTER": master, **given})


@pytest.mark.parametrize("master", ["local[*]", "local[2]", "local"])
def test_on_this_machine_spark_listens_to_this_machine_whatever_the_environment_says(master: str) -> None:
    settings = session_settings(settings_of(master, **GIVEN))
    assert settings["spark.driver.host"] == settings["spark.driver.bindAddress"] == "127.0.0.1"
    assert settings == session_settings(settings_of(master))
    assert not any(name.startswith("spark.executor.") and "Java" not in name for name in settings)


def test_on_a_cluster_the_environment_says_where_the_driver_is_and_how_large_executors_are() -> None:
    settings = session_settings(settings_of(CLUSTER_MASTER, **GIVEN))
    assert {name: settings[name] for name in OF_A_CLUSTER} == OF_A_CLUSTER


def test_on_a_cluster_what_the_environment_leaves_out_is_sparks_own_default() -> None:
    settings = session_settings(settings_of(CLUSTER_MASTER, CLICKSTREAM_SPARK_MAX_CORES=" "))
    assert not OF_A_CLUSTER.keys() & set(settings)


def test_the_workers_python_finds_this_project() -> None:
    settings = session_settings(settings_of(CLUSTER_MASTER))
    assert settings["spark.executorEnv.PYTHONPATH"] == PYTHON_PATH
    assert str(PROJECT_ROOT) in PYTHON_PATH.split(os.pathsep)


@pytest.mark.parametrize("master", ["local[*]", "spark://spark-master:7077"])
def test_a_jdbc_driver_goes_to_the_executors_too(master: str) -> None:
    assert session_settings(settings_of(master), Path("/driver.jar"))["spark.jars"] == "/driver.jar"
    assert "spark.jars" not in session_settings(settings_of(master))


@pytest.mark.parametrize("master", ["local[*]", "spark://spark-master:7077"])
def test_no_secret_is_a_setting(master: str) -> None:
    settings = settings_of(master, **GIVEN, CLICKSTREAM_STREAM_DATABASE_URL="postgresql://w:s3cret@db/x")
    assert "s3cret" not in str(session_settings(settings))


@pytest.mark.parametrize(
    ("cores", "master", "is_ours"),
    [(2, "local[*]", True), (16, "local[*]", False), (2, CLUSTER_MASTER, False)],
)
def test_the_jvm_keeps_small_on_few_cores_of_one_machine(
    monkeypatch: pytest.MonkeyPatch, cores: int, master: str, is_ours: bool
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert ("spark.driver.defaultJavaOptions" in session_settings(settings_of(master))) is is_ours
