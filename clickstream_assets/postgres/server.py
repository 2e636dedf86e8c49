"""One PostgreSQL server in one directory: configured, started, stopped, recovered.

`new_server` makes it. Who shares the server and until when is in `sharing`, what is in its databases in `schema`.

The directory holds `data` (PGDATA), `port` (chosen once), `log/` and `start.log`. For root it belongs to the
account that runs the server; where that account cannot reach it, it is a link to a directory in /var/lib.
"""

from __future__ import annotations

import os
import re
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from clickstream_assets.errors import DatabaseError
from clickstream_assets.postgres.configuration import HOST, configuration_text
from clickstream_assets.postgres.new_server import initialise, prepare_directory
from clickstream_assets.postgres.port import choose_port, is_free, read_port
from clickstream_assets.postgres.programs import Programs, find_programs, working_directory

START_LIMIT = 120  # seconds; a recovery after a crash reads up to max_wal_size of WAL
STOP_LIMIT = 120  # seconds; the last checkpoint writes up to shared_buffers, 4 GB at most
LEFTOVER_LIMIT = 2  # seconds for processes to notice that their postmaster died
KEPT_LOGS = 5  # files of log_rotation_size each


@dataclass(frozen=True)
class PostgresServer:
    """The server whose files are in `directory`. `overrides` change its configuration (tests: fsync off)."""

    directory: Path
    overrides: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def programs(self) -> Programs:
        return find_programs()

    @property
    def data(self) -> Path:
        return self.directory.resolve() / "data"  # the directory may be a link, made at the first start

    @property
    def port(self) -> int | None:
        """The port chosen at the last start; None before the first."""
        return read_port(self.directory)

    def is_running(self) -> bool:
        """Whether the postmaster of this directory lives. It may still be starting."""
        pid = _pid_in(self.data / "postmaster.pid")
        return pid is not None and self._is_ours(pid)

    def start(self, password: str) -> None:
        """Make the server if it is new, start it if it is down, and wait until it accepts connections.

        A server left over by a killed program is adopted; leftovers of a killed server are ended first.

        Raises:
            DatabaseError: it does not come up.
        """
        prepare_directory(self.directory, self.programs.account)
        if not (self.data / "PG_VERSION").exists():
            initialise(self.data, self.programs, password)
        if self.is_running():
            self._wait_until_ready()
            return
        self._end_leftovers()
        self.prune_logs()
        for _ in range(5):
            port = choose_port(self.directory)
            if self._start_on(port):
                return
        raise DatabaseError(f"PostgreSQL does not start: {self._log_tail()}")

    def stop(self, *, immediate: bool = False) -> None:
        """End it with a last checkpoint; `immediate` leaves that to the recovery of the next start.

        Raises:
            DatabaseError: it is still there after the limit.
        """
        if not self.is_running():
            return
        mode = "immediate" if immediate else "fast"
        arguments = ("stop", "-D", str(self.data), "-m", mode, "-w", "-t", str(STOP_LIMIT))
        done = self.programs.run("pg_ctl", *arguments, timeout=STOP_LIMIT + 10)
        if done.returncode != 0 and self.is_running():
            raise DatabaseError(f"PostgreSQL does not stop: {self._log_tail()}")

    def prune_logs(self) -> None:
        """Keep the newest logs; the server rotates them by size but never deletes one."""
        for old in sorted((self.directory / "log").glob("*.log"))[:-KEPT_LOGS]:
            old.unlink(missing_ok=True)

    # -- steps --------------------------------------------------------------------------------------

    def _end_leftovers(self) -> None:
        """End what a killed postmaster left: PostgreSQL does not start beside its old backends."""
        deadline = time.monotonic() + LEFTOVER_LIMIT
        while self._processes() and time.monotonic() < deadline:
            time.sleep(0.1)
        for leftover in self._processes():
            os.kill(leftover, signal.SIGKILL)
        pid_file = self.data / "postmaster.pid"
        pid = _pid_in(pid_file)
        # A number taken over by another program, or a zombie, would pass for a living server.
        if pid is not None and psutil.pid_exists(pid) and not self._processes():
            pid_file.unlink(missing_ok=True)

    def _start_on(self, port: int) -> bool:
        """Start; False if another program took the port in the meantime."""
        file = self.data / "clickstream.conf"
        file.write_text(configuration_text(port, self.overrides))
        file.chmod(0o644)  # not secret, read by the account
        start_log = self.directory.resolve() / "start.log"
        start_log.unlink(missing_ok=True)
        arguments = ("start", "-D", str(self.data), "-l", str(start_log), "-w", "-t", str(START_LIMIT))
        done = self.programs.run("pg_ctl", *arguments, timeout=START_LIMIT + 10)
        if done.returncode == 0:
            return True
        if not self.is_running() and not is_free(port):
            return False
        raise DatabaseError(f"PostgreSQL does not start: {self._log_tail()}")

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while time.monotonic() < deadline:
            arguments = ("-h", HOST, "-p", str(self.port), "-d", "postgres", "-t", "3")
            if self.programs.run("pg_isready", *arguments).returncode == 0:
                return
            if not self.is_running():
                break
            time.sleep(0.2)
        raise DatabaseError(f"PostgreSQL accepts no connections: {self._log_tail()}")

    def _processes(self) -> set[int]:
        """The living processes of this server: each has the data directory as its own. Zombies are none."""
        return {pid for pid in psutil.pids() if self._is_ours(pid)}

    def _is_ours(self, pid: int) -> bool:
        try:
            return psutil.Process(pid).name().startswith("postgres") and working_directory(pid) == self.data
        except (psutil.Error, OSError):
            return False

    def _log_tail(self) -> str:
        """The last complaint in the logs, in one line."""
        logs = [*sorted((self.directory / "log").glob("*.log")), self.directory / "start.log"]
        for log in reversed(logs):
            text = log.read_text(errors="replace") if log.exists() else ""
            said = re.findall(r"(LOG|WARNING|ERROR|FATAL|PANIC):\s+(.*)", text)
            last = max((n for n, (level, _) in enumerate(said) if level in ("FATAL", "PANIC")), default=None)
            if last is not None:
                # What it died of mostly stands in the line before.
                why = "; ".join(message for _, message in said[max(last - 1, 0) : last + 1])
                return f"{why} (more in {log})"
        return f"it gave no reason (see {self.directory})"


def _pid_in(file: Path) -> int | None:
    try:
        return int(file.read_text().splitlines()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
