"""Puts the files that the programs read at run time into the package, for an installation has no checkout beside it.

`clickstream_assets/paths.py` finds them there. All else about the package is in pyproject.toml.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
PACKAGES = ("clickstream_assets", "spark")
FILES = ("dagster.yaml", "sql", "workspace.yaml")


class BuildWithFiles(build_py):
    """The usual build and then, unless it is for an editable installation, the files."""

    def run(self) -> None:
        if self.editable_mode:
            super().run()
            return
        for package in PACKAGES:  # what an earlier build left: a module may be gone by now
            shutil.rmtree(Path(self.build_lib, package), ignore_errors=True)
        super().run()
        target = Path(self.build_lib, "clickstream_assets", "project")
        target.mkdir()
        for name in FILES:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, target / name)


setup(cmdclass={"build_py": BuildWithFiles})
