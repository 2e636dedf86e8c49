"""The health checks of the Compose stack. Guards a check that is green whatever happens."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parents[3] / "docker" / "healthy.sh"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/well" else 500)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def healthy(*words: object) -> bool:
    return (
        subprocess.run(
            ["bash", PROGRAM, *map(str, words)], capture_output=True, timeout=30, check=False
        ).returncode
        == 0
    )


def test_a_web_server_is_healthy_where_it_answers_well(port: int) -> None:
    assert healthy("http", port, "/well")
    assert not healthy("http", port, "/ill")


def test_a_port_where_nobody_listens_is_not() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not healthy("http", free.getsockname()[1], "/well")


def test_a_directory_is_healthy_while_files_come(tmp_path: Path) -> None:
    assert healthy("files", tmp_path, 60)
    long_ago = time.time() - 61
    os.utime(tmp_path, (long_ago, long_ago))
    assert not healthy("files", tmp_path, 60)
    assert not healthy("files", tmp_path / "none", 60)


def test_an_unknown_check_fails() -> None:
    assert not healthy("https", 1, "/")
