"""The two planes stay apart, and what Dagster loads for every run stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("plane", "foreign"), [("spark", {"dagster"}), ("clickstream_assets", {"pyspark", "spark"})]
)
def test_neither_plane_imports_the_framework_of_the_other(plane: str, foreign: set[str]) -> None:
    files = list((ROOT / plane).rglob("*.py"))
    assert files
    assert {file.name: found for file in files if (found := _imported(file) & foreign)} == {}


def test_the_stream_does_not_load_dagster_through_the_modules_that_it_shares() -> None:
    names = _loaded("spark.stream.stream")
    assert "clickstream_assets.settings" in names
    assert "dagster" not in names


def test_a_run_does_not_load_the_libraries_of_the_generator() -> None:
    names = _loaded("clickstream_assets.definitions")
    assert "clickstream_assets.assets.event_files" in names
    assert names.isdisjoint({"clickstream_assets.data_generator", "faker", "numpy", "pandas", "pyarrow"})


@pytest.mark.parametrize("module", ["spark.source.task", "spark.source.data_source", "spark.python_daemon"])
def test_sparks_python_processes_load_neither_the_settings_nor_their_library(module: str) -> None:
    """Each starts while somebody waits for the first file."""
    assert {
        name for name in _loaded(module) if name.startswith(("pydantic", "clickstream_assets.settings"))
    } == set()


def _loaded(module: str) -> set[str]:
    """All modules that a new interpreter has loaded after it imported `module`."""
    program = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(done.stdout.split())


def _imported(file: Path) -> set[str]:
    """The top-level packages that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found
