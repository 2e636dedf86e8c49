"""Passwords for the services of docker-compose.yml: made once, and handed to those that need them.

Run as root by the service `secrets`, before all others. Each password is, in this order: the file of its name in
OWN (the team's own, where CLICKSTREAM_SECRETS_DIR names a directory), the one made by an earlier start, a new
random one. Each service gets a volume with its own files alone, readable by its user alone.

Standard library only. `clickstream setup-db` gives the roles these passwords.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

NAMES = ("owner", "writer", "reader", "dagster", "pgadmin", "spark", "grafana")
OURS, POSTGRES, PGADMIN, GRAFANA = 10001, 999, 5050, 472  # user ids of the images

# Volume: (user, files). A file is a password by its name, or made from one.
CONSUMERS: Mapping[str, tuple[int, tuple[str, ...]]] = {
    "postgres": (POSTGRES, ("owner",)),
    "setup": (OURS, ("owner", "writer", "reader", "dagster")),
    "code": (OURS, ("writer", "reader", "pgpass-dagster", "spark-defaults.conf")),
    "dagster": (OURS, ("pgpass-dagster",)),
    "spark": (OURS, ("spark-defaults.conf",)),
    "pgadmin": (PGADMIN, ("pgadmin", "pgpass-reader")),
    "metrics": (OURS, ("reader",)),
    "grafana": (GRAFANA, ("grafana", "reader")),
}

SPARK_DEFAULTS = """\
spark.authenticate true
spark.network.crypto.enabled true
spark.authenticate.secret {password}
"""


def choose(name: str, own: Path, kept: Path) -> str:
    """The password `name`.

    Raises:
        ValueError: the team's own file has none.
    """
    for file in (own / name, kept / name):
        if file.is_file():
            password = file.read_text(encoding="utf-8").rstrip("\r\n")
            if not password or "\n" in password:
                raise ValueError(f"{file.name}: there must be one password in it, on one line.")
            return password
    return secrets.token_urlsafe(24)


def content(file: str, passwords: Mapping[str, str]) -> str:
    """What a consumer's file says. A pgpass file is libpq's: host, port, database, user, password."""
    if file == "spark-defaults.conf":
        return SPARK_DEFAULTS.format(password=passwords["spark"])
    if file.startswith("pgpass-"):
        role = file.removeprefix("pgpass-")
        escaped = passwords[role].replace("\\", "\\\\").replace(":", "\\:")
        return f"*:*:*:clickstream_{role}:{escaped}\n"
    return passwords[file] + "\n"


def write(path: Path, text: str, user: int) -> None:
    """Replace `path` whole, readable by `user` alone."""
    partial = path.with_name(f".{path.name}.partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    with os.fdopen(descriptor, "w", encoding="utf-8") as output:
        output.write(text)
        output.flush()
        os.fchown(descriptor, user, user)
        os.fsync(descriptor)
    partial.rename(path)


def main(own: Path, kept: Path, volumes: Path) -> int:
    """Make what is missing and hand everything out. Says names only."""
    try:
        passwords = {name: choose(name, own, kept) for name in NAMES}
    except (OSError, ValueError) as error:
        sys.stderr.write(f"secrets: {error}\n")
        return 1
    for name, password in passwords.items():
        write(kept / name, password + "\n", 0)
    for volume, (user, files) in CONSUMERS.items():
        directory = volumes / volume
        os.chown(directory, user, user)
        directory.chmod(0o500)
        for file in files:
            write(directory / file, content(file, passwords), user)
    given = [name for name in NAMES if (own / name).is_file()]
    sys.stdout.write(f"secrets: ready ({', '.join(given) or 'none'} of your own).\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path("/own"), Path("/kept"), Path("/for")))
