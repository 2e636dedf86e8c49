"""The passwords of the Compose stack. Guards against a service that is handed another one's password, and against a
second start that makes new ones, which the database does not know."""

from __future__ import annotations

import importlib.util
import os
import stat
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).resolve().parents[2] / "docker" / "make_secrets.py"


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_secrets", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Directories:
    def __init__(self, root: Path, program: ModuleType) -> None:
        self.own, self.kept, self.volumes = root / "own", root / "kept", root / "for"
        for directory in (self.own, self.kept, *(self.volumes / name for name in program.CONSUMERS)):
            directory.mkdir(parents=True)

    def read(self) -> dict[str, str]:
        return {
            str(path.relative_to(self.volumes)): path.read_text()
            for path in sorted(self.volumes.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def directories(program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Directories:
    # An ordinary user may not give files away; that it is asked for is what matters.
    monkeypatch.setattr(os, "fchown", lambda *_: None)
    monkeypatch.setattr(os, "chown", lambda *_: None)
    # A closed directory keeps an ordinary user from writing, where root goes on.
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    return Directories(tmp_path, program)


def run(program: ModuleType, directories: Directories) -> int:
    code: int = program.main(directories.own, directories.kept, directories.volumes)
    return code


def test_passwords_are_made_once(program: ModuleType, directories: Directories) -> None:
    assert run(program, directories) == 0
    first = directories.read()
    assert run(program, directories) == 0
    assert directories.read() == first
    made = {path.read_text().strip() for path in directories.kept.iterdir()}
    assert len(made) == len(program.NAMES)
    assert all(len(password) >= 24 for password in made)


def test_everyone_gets_what_it_needs_and_nothing_else(program: ModuleType, directories: Directories) -> None:
    run(program, directories)
    kept = {path.name: path.read_text().strip() for path in directories.kept.iterdir()}
    knows: dict[str, set[str]] = {}
    for file, text in directories.read().items():
        volume = file.split("/")[0]
        knows.setdefault(volume, set()).update(name for name, password in kept.items() if password in text)
    assert knows == {
        "postgres": {"owner"},
        "setup": {"owner", "writer", "reader", "dagster"},
        "code": {"writer", "reader", "dagster", "spark"},
        "dagster": {"dagster"},
        "spark": {"spark"},
        "pgadmin": {"pgadmin", "reader"},
        "metrics": {"reader"},
        "grafana": {"grafana", "reader"},
    }


def test_a_teams_own_file_wins_also_over_one_that_was_made(
    program: ModuleType, directories: Directories
) -> None:
    run(program, directories)
    made = (directories.kept / "writer").read_text()
    (directories.own / "reader").write_text("it: chose\\this\n")
    assert run(program, directories) == 0
    files = directories.read()
    assert files["code/reader"] == "it: chose\\this\n"
    assert files["pgadmin/pgpass-reader"] == "*:*:*:clickstream_reader:it\\: chose\\\\this\n"
    assert (directories.kept / "writer").read_text() == made


@pytest.mark.parametrize("text", ["", "\n", "two\nlines\n"])
def test_an_own_file_without_a_password_is_refused_by_name(
    program: ModuleType, directories: Directories, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (directories.own / "dagster").write_text(text)
    assert run(program, directories) == 1
    assert capsys.readouterr().err == "secrets: dagster: there must be one password in it, on one line.\n"
    assert directories.read() == {}


def test_files_are_for_their_user_alone(program: ModuleType, directories: Directories) -> None:
    run(program, directories)
    for path in [*directories.volumes.rglob("*"), *directories.kept.iterdir()]:
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o400


def test_nothing_that_is_said_is_a_password(
    program: ModuleType, directories: Directories, capsys: pytest.CaptureFixture[str]
) -> None:
    run(program, directories)
    said = "".join(capsys.readouterr())
    assert said
    assert not any(path.read_text().strip() in said for path in directories.kept.iterdir())
