"""The embedded server's life: kept, shared, killed, recovered. Every test has a real server of its own.

Guards against the clean-up that looks harmless: deleting `postmaster.pid` first, which starts a second server on
the data of one that lives.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg2
import pytest
from databases import TEST_CONFIGURATION, run_sql

from clickstream_assets.errors import DatabaseError
from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.postgres.configuration import shared_buffers, usable_memory
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.programs import SYSTEM_DIR
from clickstream_assets.postgres.server import PostgresServer
from clickstream_assets.postgres.sharing import database_running, embedded_server, revive, server_held
from clickstream_assets.settings import Settings

PASSWORD = "a password"
LIMIT = 30.0  # seconds


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, f"not within {LIMIT} s: {what}"
        time.sleep(0.05)


def postmaster(server: PostgresServer) -> int:
    return int((server.data / "postmaster.pid").read_text().splitlines()[0])


def answers(server: PostgresServer) -> bool:
    url = f"postgresql://clickstream:{PASSWORD}@127.0.0.1:{server.port}/postgres"
    return run_sql(url, "SELECT 1") == [(1,)]


@pytest.fixture
def server(scratch: Path) -> Iterator[PostgresServer]:
    server = PostgresServer(scratch / "home" / "postgres", TEST_CONFIGURATION)
    yield server
    server.stop(immediate=True)


@pytest.fixture
def settings(scratch: Path) -> Iterator[Settings]:
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(scratch / "home")})
    yield settings
    embedded_server(settings).stop(immediate=True)


def test_data_and_port_are_kept_across_restarts(settings: Settings) -> None:
    with database_running(settings) as connections:
        url = connections.url("owner")
        run_sql(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert not embedded_server(settings).is_running()
    with database_running(settings) as connections:
        again = connections.url("owner")
        assert again == url
        assert run_sql(again, "SELECT answer FROM kept") == [(42,)]


def test_a_fresh_home_has_the_schema_and_working_roles_at_once(settings: Settings) -> None:
    with database_running(settings):
        assert run_sql(Connections(settings).url("reader"), "SELECT count(*) FROM events") == [(0,)]
        assert run_sql(Connections(settings).url("writer"), "SELECT current_user") == [
            ("clickstream_writer",)
        ]


def test_a_server_that_was_killed_recovers_with_what_was_committed(server: PostgresServer) -> None:
    server.start(PASSWORD)
    url = f"postgresql://clickstream:{PASSWORD}@127.0.0.1:{server.port}/postgres"
    run_sql(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    # A backend in the middle of its work outlives its postmaster and holds the shared memory.
    busy = psycopg2.connect(url, async_=1)
    until(lambda: busy.poll() == psycopg2.extensions.POLL_OK, "a connection")
    busy.cursor().execute("SELECT count(*) FROM generate_series(1, 10000000000)")
    until(
        lambda: run_sql(url, "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%generate_series(1, 1%'"),
        "busy",
    )
    os.kill(postmaster(server), signal.SIGKILL)
    until(lambda: not server.is_running(), "the death")
    server.start(PASSWORD)
    assert run_sql(url, "SELECT answer FROM kept") == [(42,)]
    busy.close()


def test_a_pid_file_whose_number_another_program_took_over_is_no_living_server(
    server: PostgresServer,
) -> None:
    server.start(PASSWORD)
    file = server.data / "postmaster.pid"
    lines = file.read_text().splitlines()
    server.stop()
    account = server.programs.account
    stranger = subprocess.Popen(
        ["/bin/sleep", "600"],
        **({} if account is None else {"user": account.pw_uid, "group": account.pw_gid}),
    )
    try:
        file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        server.start(PASSWORD)
        assert answers(server)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_server_that_still_runs_is_adopted_not_started_twice(server: PostgresServer) -> None:
    server.start(PASSWORD)
    before = postmaster(server)
    PostgresServer(server.directory).start(PASSWORD)
    assert postmaster(server) == before


def test_a_start_that_was_cut_short_is_done_again(server: PostgresServer) -> None:
    (server.directory / "data.new").mkdir(parents=True)
    (server.directory / "data.new" / "PG_VERSION").write_text("18\n")
    if server.programs.account is not None:
        for path in (server.directory, server.directory / "data.new"):
            os.chown(path, server.programs.account.pw_uid, server.programs.account.pw_gid)
    server.start(PASSWORD)
    assert answers(server)
    assert sorted(file.name for file in server.directory.iterdir()) == ["data", "log", "port", "start.log"]


def test_a_port_that_another_program_took_is_changed_for_good(server: PostgresServer) -> None:
    server.start(PASSWORD)
    first = server.port
    server.stop()
    assert first is not None
    with socket.socket() as thief:
        thief.bind(("127.0.0.1", first))
        thief.listen()
        server.start(PASSWORD)
        second = server.port
        assert second != first
        assert answers(server)
        server.stop()
    server.start(PASSWORD)
    assert server.port == second


def test_it_listens_on_this_machine_alone_and_wants_a_password(server: PostgresServer) -> None:
    server.start(PASSWORD)
    # Of the machine, not of the process: in a container root may not look into another account's.
    listening = {
        connection.laddr.ip
        for connection in psutil.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == server.port
    }
    assert listening == {"127.0.0.1"}
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        run_sql(f"postgresql://clickstream@127.0.0.1:{server.port}/postgres", "SELECT 1")


def test_no_password_is_in_its_files_or_in_the_process_list(settings: Settings) -> None:
    with database_running(settings):
        passwords = [
            Connections(settings).url(role).split(":")[2].split("@")[0]
            for role in ("owner", "writer", "reader")
        ]
        running = " ".join(" ".join(p.info["cmdline"] or []) for p in psutil.process_iter(["cmdline"]))
    directory = embedded_server(settings).directory
    text = "".join(
        f.read_text(errors="replace") for f in directory.rglob("*") if f.is_file() and f.suffix == ".log"
    )
    assert "database system is ready" in text
    for password in passwords:
        assert password not in text
        assert password not in running


def test_the_last_of_two_users_stops_it(settings: Settings) -> None:
    server = embedded_server(settings)
    may_leave = threading.Event()
    is_in = threading.Event()

    def other() -> None:
        with database_running(settings):
            is_in.set()
            may_leave.wait(LIMIT)

    thread = threading.Thread(target=other)
    with database_running(settings):
        thread.start()
        assert is_in.wait(LIMIT)
    assert server.is_running()
    may_leave.set()
    thread.join()
    assert not server.is_running()


def test_many_that_come_and_go_at_once_never_meet_a_stopped_server(scratch: Path) -> None:
    server = PostgresServer(scratch / "home" / "postgres", TEST_CONFIGURATION)
    failures: list[BaseException] = []

    def user() -> None:
        try:
            for _ in range(3):
                with server_held(server, PASSWORD):
                    assert answers(server)
        except BaseException as error:  # noqa: BLE001 - for the main thread
            failures.append(error)

    threads = [threading.Thread(target=user) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert not server.is_running()


def test_a_user_that_was_killed_leaves_a_server_that_the_next_one_adopts_and_stops(
    settings: Settings,
) -> None:
    program = """
import sys, time
from clickstream_assets.postgres.sharing import database_running
from clickstream_assets.settings import Settings
with database_running(Settings.from_env()):
    print("in", flush=True)
    time.sleep(600)
"""
    environment = {**os.environ, "CLICKSTREAM_HOME": str(settings.home)}
    user = subprocess.Popen(
        [sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE, cwd=PROJECT_ROOT
    )
    assert user.stdout is not None
    with user.stdout:
        assert user.stdout.readline() == b"in\n"
    user.kill()
    user.wait()
    server = embedded_server(settings)
    before = postmaster(server)
    with database_running(settings):
        assert postmaster(server) == before
    assert not server.is_running()


def test_a_server_that_dies_under_its_users_is_revived(settings: Settings) -> None:
    with database_running(settings) as connections:
        url = connections.url("owner")
        assert not revive(settings)
        os.kill(postmaster(embedded_server(settings)), signal.SIGKILL)
        until(lambda: not embedded_server(settings).is_running(), "the death")
        assert revive(settings)
        assert run_sql(url, "SELECT 1") == [(1,)]


def test_an_external_database_starts_nothing(scratch: Path) -> None:
    url = "postgresql://nobody@127.0.0.1:1/none"
    settings = Settings.from_env({"CLICKSTREAM_HOME": str(scratch / "home"), "CLICKSTREAM_DATABASE_URL": url})
    with database_running(settings) as connections:
        assert connections.url("owner") == url
    assert not (scratch / "home").exists()


def test_a_wrong_setting_of_the_users_is_told_with_the_servers_own_words(server: PostgresServer) -> None:
    server.start(PASSWORD)
    server.stop()
    with (server.data / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'a lot'\n")
    with pytest.raises(DatabaseError, match=r'^PostgreSQL does not start: .*"shared_buffers": "a lot"'):
        server.start(PASSWORD)


def test_only_the_newest_logs_are_kept(server: PostgresServer) -> None:
    logs = server.directory / "log"
    logs.mkdir(parents=True)
    for day in range(10):
        (logs / f"postgresql-2026010{day}-000000.log").touch()
    server.prune_logs()
    assert sorted(log.name[11:19] for log in logs.iterdir()) == [f"2026010{day}" for day in range(5, 10)]


def test_an_eighth_of_the_memory_within_limits() -> None:
    assert [shared_buffers(gib * 2**30) for gib in (0, 2, 24, 64)] == ["128MB", "256MB", "3072MB", "4096MB"]


@pytest.mark.parametrize(
    ("text", "limited"), [("536870912\n", True), ("max\n", False), (f"{2**63}\n", False)]
)
def test_the_limit_of_a_container_counts_as_its_memory(tmp_path: Path, text: str, limited: bool) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(text)
    machine = usable_memory([])
    assert usable_memory([tmp_path / "missing", tmp_path, limit]) == (2**29 if limited else machine)


if os.geteuid() == 0:  # for anyone else there is no other account to speak of

    def test_root_has_another_account_run_it(server: PostgresServer) -> None:
        server.start(PASSWORD)
        assert psutil.Process(postmaster(server)).username() == "clickstream"

    def test_root_that_may_not_look_at_others_processes_still_finds_its_server(
        server: PostgresServer,
    ) -> None:
        """As in a container. Taken for dead, the server would be started a second time, and never stopped."""
        program = """
import sys
from pathlib import Path
import psutil
from clickstream_assets.postgres.server import PostgresServer

try:
    psutil.Process(int(sys.argv[2])).cwd()
except psutil.AccessDenied:
    print("denied")
server = PostgresServer(Path(sys.argv[1]))
print(server.is_running())
server.stop()
print(server.is_running())
"""
        server.start(PASSWORD)
        without = ["setpriv", "--inh-caps=-sys_ptrace", "--bounding-set=-sys_ptrace"]
        done = subprocess.run(
            [*without, sys.executable, "-c", program, str(server.directory), str(postmaster(server))],
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.split() == ["denied", "True", "False"]

    def test_under_a_closed_directory_root_keeps_the_data_where_the_account_can_go(scratch: Path) -> None:
        closed = scratch / "closed"
        closed.mkdir(mode=0o700)
        server = PostgresServer(closed / "home" / "postgres", TEST_CONFIGURATION)
        try:
            server.start(PASSWORD)
            assert answers(server)
            assert server.data.is_relative_to(SYSTEM_DIR)
            server.stop()
            server.start(PASSWORD)
            assert answers(server)
        finally:
            server.stop(immediate=True)
            if server.directory.is_symlink():
                shutil.rmtree(server.directory.resolve())

    def test_programs_under_a_closed_directory_are_copied_once(
        scratch: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from clickstream_assets.postgres import programs as postgres_programs

        installed = postgres_programs.installed_directory()
        packages = scratch / "closed"
        packages.mkdir(mode=0o700)
        package = installed.parent.parent
        shutil.copytree(installed.parent, packages / package.name / installed.parent.name, symlinks=True)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, packages / libraries.name)
        monkeypatch.setattr(postgres_programs, "SYSTEM_DIR", scratch / "system")
        monkeypatch.setattr(
            postgres_programs,
            "installed_directory",
            lambda: packages / package.name / installed.parent.name / "bin",
        )
        old = os.umask(0o077)
        try:
            first = postgres_programs.find_programs()
        finally:
            os.umask(old)
        assert first.directory.is_relative_to(scratch / "system")
        assert "PostgreSQL" in first.run("postgres", "--version").stdout
        assert postgres_programs.find_programs().directory == first.directory
        assert len(list((scratch / "system").iterdir())) == 1


def test_a_home_that_cannot_be_made_is_one_sentence() -> None:
    with tempfile.NamedTemporaryFile() as file:
        server = PostgresServer(Path(file.name) / "home" / "postgres")
        with pytest.raises(DatabaseError, match="cannot be made: Not a directory"):
            server.start(PASSWORD)
