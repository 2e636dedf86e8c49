"""An installation that is not editable: the package in an environment of its own, far from any checkout.

It is built from a copy of the sources, as a source distribution and then a wheel. What it requires is lent by the
environment of the tests, so that no network is needed.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from up_stack import Up, until

from clickstream_assets.paths import PROJECT_ROOT

SOURCES = (
    *("clickstream_assets", "spark", "sql", "dagster.yaml", "workspace.yaml"),
    *("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE"),
)
WHERE = """
import json, clickstream_assets, spark
from clickstream_assets import paths
print(json.dumps([clickstream_assets.__file__, spark.__file__, *map(str, (
    paths.PROJECT_ROOT, paths.FILES_ROOT, paths.SQL_DIR, paths.STREAM_PROGRAM, paths.CHECK_SOURCE_PROGRAM))]))
"""
LIMIT = 120.0  # seconds


def run(*command: object, cwd: Path) -> str:
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(sources: Path) -> Path:
    """The wheel, by way of the source distribution."""
    for name in SOURCES:
        if (PROJECT_ROOT / name).is_dir():
            shutil.copytree(PROJECT_ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(PROJECT_ROOT / name, sources / name)
    run(
        *(sys.executable, "-c", "import setuptools.build_meta as backend; backend.build_sdist('.')"),
        cwd=sources,
    )
    (source_distribution,) = sources.glob("*.tar.gz")
    quiet = ("-q", "--disable-pip-version-check", "--no-index", "--no-build-isolation", "--no-deps")
    run(sys.executable, "-m", "pip", "wheel", *quiet, source_distribution, cwd=sources)
    (wheel,) = sources.glob("*.whl")
    return wheel


@pytest.fixture
def environment(scratch: Path) -> Path:
    """A virtual environment with the package. Its sources are gone."""
    target = scratch / "environment"
    venv.create(target, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "venv", {"base": str(target), "platbase": str(target)}))
    # A plain path: the .pth files there, that of the checkout among them, are not read.
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib"))
    sources = scratch / "sources"
    sources.mkdir()
    wheel = build(sources)
    pip = (sys.executable, "-m", "pip", "--python", target / "bin" / "python", "install")
    run(*pip, "-q", "--disable-pip-version-check", "--no-index", "--no-deps", wheel, cwd=scratch)
    shutil.rmtree(sources)
    return target


@pytest.fixture
def installed(environment: Path, scratch: Path) -> Iterator[Up]:
    directory = scratch / "empty"
    directory.mkdir(mode=0o755)
    stack = Up(directory / "home", command=[str(environment / "bin" / "clickstream")])
    stack.environment.pop("PYTHONPATH")
    yield stack
    stack.clear_away()


def test_an_installation_far_from_a_checkout_does_all_that_a_checkout_does(
    installed: Up, environment: Path
) -> None:
    python = environment / "bin" / "python"
    places = json.loads(
        subprocess.check_output([python, "-c", WHERE], env=installed.environment, cwd=installed.home.parent)
    )
    assert [place for place in places if not Path(place).is_relative_to(environment)] == []

    assert "setup-db" in installed.run("--help")
    installed.run("setup-db")
    events = installed.home / "events"
    installed.run("generate", "--events", "1000", "--files", "2", "--out", str(events))
    assert "2 files, 2 looked at, 1,000 rows" in installed.run("check-source", str(events))
    installed.run("stream", "--available-now")
    before = installed.stored()
    assert before == 1000

    process = installed.start()
    until(lambda: installed.stored() > before, "Dagster has started the stream")
    of_the_checkout = [
        command
        for command in installed.processes().values()
        for plane in ("clickstream_assets", "spark")
        if str(PROJECT_ROOT / plane) in command
    ]
    assert of_the_checkout == []
    process.send_signal(signal.SIGINT)
    assert process.wait(LIMIT) == 0, installed.said()
    installed.run("verify")  # fails where a row is unaccounted for
