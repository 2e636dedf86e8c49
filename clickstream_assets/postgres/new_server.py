"""A new PostgreSQL server on disk: the directory for the account that runs it, and `initdb` in there."""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
from pathlib import Path

from clickstream_assets.errors import DatabaseError
from clickstream_assets.home import let_pass, make_home
from clickstream_assets.postgres.programs import SYSTEM_DIR, Programs, can_use

OWNER = "clickstream"  # the bootstrap superuser


def prepare_directory(directory: Path, account: pwd.struct_passwd | None) -> None:
    """Make the directory of a server, for `account` (None: for us). It may become a link.

    Raises:
        DatabaseError: it cannot be made, or the account cannot use it.
    """
    try:
        make_home(directory.parent)
        if account is None:
            directory.mkdir(mode=0o700, exist_ok=True)
        elif not directory.exists():
            _make_for(directory, account)
        if account is not None and not _is_usable(directory, account):
            raise DatabaseError(
                f"the user '{account.pw_name}', who runs PostgreSQL for root, cannot use "
                f"{directory}: give it and the directories above back their permissions."
            )
    except OSError as error:
        raise DatabaseError(f"{directory} cannot be made: {error.strerror or error}.") from None


def initialise(data: Path, programs: Programs, password: str) -> None:
    """`initdb` beside the final place: a start killed half-way leaves nothing that looks whole.

    Raises:
        DatabaseError: it fails.
    """
    scratch = data.with_name("data.new")
    shutil.rmtree(scratch, ignore_errors=True)
    password_file = data.with_name("password")
    password_file.unlink(missing_ok=True)
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            if programs.account is not None:
                os.fchown(descriptor, programs.account.pw_uid, programs.account.pw_gid)
            file.write(password)
        done = programs.run(
            "initdb",
            f"--pgdata={scratch}",
            f"--username={OWNER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--no-locale",  # bytes decide the order, on every machine the same …
            "--locale-provider=builtin",  # … but lower() knows Unicode
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        )
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        shutil.rmtree(scratch, ignore_errors=True)
        raise DatabaseError(
            f"the database cluster cannot be made in {data.parent}: {_last_line(done.stdout)}"
        )
    with (scratch / "postgresql.conf").open("a") as file:
        file.write("\n# Written at each start; your own settings go below this line.\n")
        file.write("include_if_exists = 'clickstream.conf'\n")
    scratch.rename(data)


def _make_for(directory: Path, account: pwd.struct_passwd) -> None:
    directory.unlink(missing_ok=True)  # a link whose target is gone
    directory.mkdir(mode=0o700)
    os.chown(directory, account.pw_uid, account.pw_gid)
    if _is_usable(directory, account):
        return
    directory.rmdir()
    name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
    target = SYSTEM_DIR / f"data-{name}"
    SYSTEM_DIR.mkdir(mode=0o755, parents=True, exist_ok=True)
    SYSTEM_DIR.chmod(0o755)  # whatever the umask is
    target.mkdir(mode=0o700, exist_ok=True)
    os.chown(target, account.pw_uid, account.pw_gid)
    directory.symlink_to(target)


def _is_usable(directory: Path, account: pwd.struct_passwd) -> bool:
    """Whether the account can use the directory; a home that is closed to all but us lets it pass."""

    def is_usable() -> bool:
        return can_use(directory.resolve(), account)

    return is_usable() or let_pass(directory.parent, account.pw_gid, is_usable)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
