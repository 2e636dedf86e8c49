"""One `clickstream up` for all acceptance tests: starting Spark and Dagster takes longer than any of them.

A test starts it if it does not run, and may stop it; what it does to the home stays.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from up_stack import Up


@pytest.fixture(scope="session")
def up() -> Iterator[Up]:
    # A short name, and open to every account: as root, PostgreSQL runs under another one.
    directory = Path(tempfile.mkdtemp(prefix="clickstream-test-", dir="/tmp"))
    directory.chmod(0o755)
    up = Up(directory / "home")
    yield up
    up.clear_away()
    shutil.rmtree(directory, ignore_errors=True)
