"""The commands `setup-db`, `database-url`, `psql`, `env`, `postgres` and `stream`, as programs from outside."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import Database, run_sql

from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.postgres.sharing import embedded_server
from clickstream_assets.settings import Settings

LIMIT = 60.0  # seconds


@pytest.fixture
def home(scratch: Path) -> Iterator[Path]:
    yield scratch / "home"
    embedded_server(Settings.from_env({"CLICKSTREAM_HOME": str(scratch / "home")})).stop(immediate=True)


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CLICKSTREAM_", "PG"))}
    return {**kept, "CLICKSTREAM_HOME": str(home), "PYTHONPATH": str(PROJECT_ROOT), **more}


def clickstream(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clickstream_assets.cli", *arguments],
        env=environment(home, **more),
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )


def test_a_first_tour_on_a_fresh_home(home: Path) -> None:
    url = clickstream(home, "database-url")
    assert url.returncode == 0
    assert url.stdout.startswith("postgresql://clickstream_reader:")
    assert "not running now" in url.stderr

    ready = clickstream(home, "setup-db")
    assert (ready.returncode, ready.stdout) == (0, "The database is ready.\n")

    asked = clickstream(home, "psql", "-Atc", "SELECT current_user, count(*) FROM events")
    assert (asked.returncode, asked.stdout) == (0, "clickstream_reader|0\n")

    refused = clickstream(home, "psql", "-c", "DELETE FROM events")
    assert refused.returncode == 1
    assert "permission denied" in refused.stderr

    owner = clickstream(home, "psql", "--role", "owner", "-Atc", "SELECT current_user")
    assert owner.stdout == "clickstream\n"
    assert clickstream(home, "database-url").stdout == url.stdout


def test_psql_gets_the_password_by_the_environment_not_by_its_arguments(
    home: Path, database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = clickstream(
        home,
        "psql",
        "--role",
        "owner",
        "-Atc",
        r"\! tr '\0' ' ' < /proc/$PPID/cmdline 2> /dev/null || ps -o args= -p $PPID",
        CLICKSTREAM_DATABASE_URL=database.owner_url,
    )
    assert answer.returncode == 0
    assert f"/{database.name}" in answer.stdout
    assert "p@ss" not in answer.stdout
    assert "p%40ss" not in answer.stdout


def test_a_database_that_does_not_answer_is_one_sentence(home: Path) -> None:
    answer = clickstream(home, "setup-db", CLICKSTREAM_DATABASE_URL="postgresql://u:s3cret@127.0.0.1:1/none")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    assert "Connection refused" in answer.stderr
    assert "s3cret" not in answer.stderr


def test_postgres_runs_a_program_with_dagsters_database_and_stops_with_it(home: Path) -> None:
    if not (PROJECT_ROOT / "dagster.yaml").exists():
        pytest.fail("dagster.yaml is missing")
    program = (
        "import os, psycopg2; psycopg2.connect(os.environ['CLICKSTREAM_DAGSTER_DATABASE_URL']).close(); "
    )
    program += "print(os.environ['DAGSTER_HOME']); raise SystemExit(5)"
    answer = clickstream(home, "postgres", sys.executable, "-c", program)
    assert (answer.returncode, answer.stdout) == (5, f"{home}/dagster\n"), answer.stderr
    assert (home / "dagster" / "dagster.yaml").exists()
    assert not embedded_server(Settings.from_env({"CLICKSTREAM_HOME": str(home)})).is_running()


def test_postgres_alone_stays_until_ctrl_c_and_env_tells_the_shell_where_it_is(home: Path) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "clickstream_assets.cli", "postgres"],
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
        cwd=home.parent,
    )
    try:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("The database is running")
        exports = clickstream(home, "env").stdout
        named = dict(word.split("=", 1) for word in shlex.split(exports) if "=" in word)
        assert run_sql(named["CLICKSTREAM_DAGSTER_DATABASE_URL"], "SELECT current_database()") == [
            ("dagster",)
        ]
        server.send_signal(signal.SIGINT)
        assert server.wait(LIMIT) == 0
    finally:
        server.kill()
        server.wait()
        if server.stdout is not None:
            server.stdout.close()
    assert not embedded_server(Settings.from_env({"CLICKSTREAM_HOME": str(home)})).is_running()


def test_stream_without_java_says_so_before_anything_starts(home: Path) -> None:
    answer = clickstream(home, "stream", JAVA_HOME="/nonexistent")
    assert answer.returncode == 2
    assert answer.stderr.startswith("clickstream: Spark needs Java 17")
    assert answer.stderr.count("\n") == 1
    assert not home.exists()


FOREGROUND = """
import sys
from clickstream_assets.cli.stream import run_in_foreground
sys.exit(run_in_foreground([sys.executable, "-c", sys.argv[1]], {}))
"""


def foreground(child: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FOREGROUND, child], stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_handed_to_the_child_once_and_its_exit_code_comes_back(number: signal.Signals) -> None:
    child = "import signal, time\nseen = []\n"
    child += "for n in (2, 15): signal.signal(n, lambda *a: seen.append(a[0]))\n"
    child += "print('up', flush=True)\nwhile not seen: time.sleep(0.02)\ntime.sleep(0.3)\n"
    child += "print(seen, flush=True)\nraise SystemExit(9)"
    with foreground(child) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        assert process.stdout.readline() == f"[{int(number)}]\n"
        assert process.wait(LIMIT) == 9


def test_a_second_signal_kills_a_child_that_does_not_listen() -> None:
    child = "import os, signal, time\nsignal.signal(2, lambda *a: os.write(1, b'heard\\n'))\n"
    child += "os.write(1, b'up\\n')\nwhile True: time.sleep(600)"
    with foreground(child) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "heard\n"
        process.send_signal(signal.SIGINT)
        started = time.monotonic()
        assert process.wait(LIMIT) == 128 + signal.SIGKILL
        assert time.monotonic() - started < 10


def test_a_damaged_env_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"CLICKSTREAM_HOME=\xff\xfe\n")
    command = [sys.executable, "-m", "clickstream_assets.cli", "status"]
    path = {"PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment(tmp_path / "home") | path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"clickstream: {tmp_path}/.env is no text in UTF-8: write it anew.\n"
