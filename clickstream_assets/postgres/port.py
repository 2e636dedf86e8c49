"""The port of an embedded PostgreSQL: chosen once, kept in its directory, free when the server starts."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from clickstream_assets.postgres.configuration import HOST

FIRST_PORT, PORTS = 15432, 10_000  # below every system's range of ephemeral ports


def choose_port(directory: Path) -> int:
    """The port that the server in `directory` had, while it is free; else a new one, which is kept from then on."""
    kept = read_port(directory)
    if kept is not None and is_free(kept):
        return kept
    port = next(p for p in _candidate_ports() if is_free(p))
    temporary = directory / "port.new"
    temporary.write_text(f"{port}\n")
    temporary.rename(directory / "port")
    return port


def read_port(directory: Path) -> int | None:
    """The port chosen for the server in `directory`; None before its first start."""
    try:
        return int((directory / "port").read_text())
    except (FileNotFoundError, ValueError):
        return None


def _candidate_ports() -> list[int]:
    start = secrets.randbelow(PORTS)  # several homes on one machine rarely meet
    return [FIRST_PORT + (start + n) % PORTS for n in range(PORTS)]


def is_free(port: int) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as PostgreSQL does
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
