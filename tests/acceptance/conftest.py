"""One `clickstream up` for the tests that look at it: starting Spark and Dagster takes longer than any of them.

A test starts it if it does not run, and may stop it; what it does to the home stays. These tests run first, one after
the other, and it ends with the last of them: the others would share their two cores with it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from alert_receiver import Receiver, receiving
from up_stack import Up


def _looks_at_it(item: pytest.Item | None) -> bool:
    return isinstance(item, pytest.Function) and "up" in item.fixturenames


def _turn(item: pytest.Item) -> int:
    """Those that look at it come first; last of them who hammers on it, and who ends it."""
    return 2 if not _looks_at_it(item) else int(item.path.stem in ("test_hammer", "test_up"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=_turn)


@pytest.hookimpl(trylast=True)  # after the browser, which looks at it
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if isinstance(item, pytest.Function) and "up" in item.funcargs and not _looks_at_it(nextitem):
        item.funcargs["up"].clear_away()


@pytest.fixture(scope="session")
def receiver() -> Iterator[Receiver]:
    """Of the alerts of `up`."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture(scope="session")
def up(receiver: Receiver) -> Iterator[Up]:
    # A short name, and open to every account: as root, PostgreSQL runs under another one.
    directory = Path(tempfile.mkdtemp(prefix="clickstream-test-", dir="/tmp"))
    directory.chmod(0o755)
    up = Up(directory / "a home")
    up.environment["CLICKSTREAM_ALERT_WEBHOOK_URL"] = receiver.url
    yield up
    up.clear_away()
    shutil.rmtree(directory, ignore_errors=True)
