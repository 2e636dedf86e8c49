"""The home is private whatever the umask is. Guards against passwords and events that other users can read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from clickstream_assets.home import let_pass, make_home, open_private, openness
from clickstream_assets.postgres.credentials import Credentials
from clickstream_assets.settings import Settings


@pytest.fixture(params=[0o000, 0o022, 0o277])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_a_new_home_is_its_owners_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home)
    assert mode(home) == 0o700
    assert openness(home) is None


@pytest.mark.usefixtures("umask")
def test_so_is_one_that_comes_with_the_first_password(tmp_path: Path) -> None:
    home = tmp_path / "home"
    Credentials(Settings.from_env({"CLICKSTREAM_HOME": str(home)})).password("reader")
    assert mode(home) == 0o700


@pytest.mark.parametrize("open_mode", [0o755, 0o750, 0o701, 0o777])
def test_a_home_that_is_open_stays_so_and_is_told(tmp_path: Path, open_mode: int) -> None:
    tmp_path.chmod(open_mode)
    make_home(tmp_path)
    assert mode(tmp_path) == open_mode
    assert f"chmod 700 {tmp_path}" in str(openness(tmp_path))


def test_a_group_is_let_through_only_where_that_is_enough(tmp_path: Path) -> None:
    home = tmp_path / "home"
    make_home(home)
    group = home.stat().st_gid
    assert not let_pass(home, group, lambda: False)
    assert mode(home) == 0o700
    assert let_pass(home, group, lambda: True)
    assert mode(home) == 0o710
    home.chmod(0o750)
    assert not let_pass(home, group, lambda: True), "one that is not as we made it stays as it is"


@pytest.mark.usefixtures("umask")
def test_a_private_file_is_private_though_it_was_there_before(tmp_path: Path) -> None:
    for name in ("new", "old"):
        path = tmp_path / name
        if name == "old":
            path.touch()
            path.chmod(0o666)
        with open_private(path) as file:
            file.write(b"x")
        assert mode(path) == 0o600
