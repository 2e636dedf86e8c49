"""How every connection is opened. Guards against a server that vanished, and a stream that waits a quarter of an hour
for TCP to give up: keepalives count only while nothing is under way."""

from __future__ import annotations

import socket

from databases import Database

from clickstream_assets.database import VANISHED_AFTER, connect


def test_a_vanished_server_is_noticed_within_seconds_idle_or_not(database: Database) -> None:
    connection = connect(database.reader_url, "tests")
    try:
        with socket.socket(fileno=connection.fileno()) as channel:
            assert channel.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert channel.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
            assert channel.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == VANISHED_AFTER
            channel.detach()
    finally:
        connection.close()
