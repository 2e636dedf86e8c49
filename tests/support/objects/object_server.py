"""An S3 server in this process (moto's), and a gate before it that can do what servers and networks do."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import boto3
from moto.server import ThreadedMotoServer

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "key-of-the-tests",
    "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_ERROR = (
    '<?xml version="1.0"?><Error><Code>{code}</Code><Message>secret-of-the-tests is wrong</Message></Error>'
)
_buckets = count(1)


@dataclass
class Faults:
    """What the gate does. `refuse`: gives a status and a code of an error for a method and a path, or None."""

    refuse: Callable[[str, str], tuple[int, str] | None] = lambda method, path: None
    cut_after: Callable[[str, str], int | None] = lambda method, path: None
    is_closed: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)


class _Gate(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    faults: Faults
    behind: int

    def _pass(self) -> None:
        faults = self.faults
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        faults.asked.append((self.command, self.path))
        if faults.is_closed:
            self._hang_up()
            return
        if (refusal := faults.refuse(self.command, self.path)) is not None:
            status, code = refusal
            text = _ERROR.format(code=code).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else text)
            return
        connection = http.client.HTTPConnection("127.0.0.1", self.behind, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "server", "date"):
                self.send_header(name, value)
        told = answer.headers.get("Content-Length") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", told or "0")
        self.end_headers()
        cut = faults.cut_after(self.command, self.path)
        if cut is not None and len(content) > cut:
            self.wfile.write(content[:cut])
            self.wfile.flush()
            self._hang_up()
            return
        self.wfile.write(content)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:
        pass


@dataclass
class ObjectServer:
    """`endpoint`: of the gate. `client`: goes past it."""

    endpoint: str
    client: Any
    faults: Faults

    def bucket(self) -> str:
        """A new one."""
        name = f"bucket-{next(_buckets)}"
        self.client.create_bucket(Bucket=name)
        return name

    def put(self, bucket: str, key: str, content: str | bytes) -> None:
        data = content.encode() if isinstance(content, str) else content
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def keys(self, bucket: str) -> list[str]:
        return [found["Key"] for found in self.client.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def tags(self, bucket: str, key: str) -> dict[str, str]:
        found = self.client.get_object_tagging(Bucket=bucket, Key=key)
        return {tag["Key"]: tag["Value"] for tag in found["TagSet"]}

    def reset(self) -> None:
        fresh = Faults()
        for name in vars(fresh):
            setattr(self.faults, name, getattr(fresh, name))


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """The server and its gate, as long as the block lasts."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    faults = Faults()
    handler = type("Gate", (_Gate,), {"faults": faults, "behind": port})
    gate = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    gate.daemon_threads = True
    thread = threading.Thread(target=gate.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id="tests",
        aws_secret_access_key="tests",
    )
    try:
        yield ObjectServer(f"http://127.0.0.1:{gate.server_address[1]}", client, faults)
    finally:
        client.close()
        gate.shutdown()
        gate.server_close()
        thread.join()
        server.stop()


def without_query(path: str) -> str:
    return urlsplit(path).path
