"""Where a soak happens: a server, a pooler before it where there is one, a directory of events, perhaps seen through a
mount that fails, and the shop that writes files into it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from databases import run_sql, server_with_schema, superuser_url
from failing_mount import FailingMount, can_mount, failing_mount
from foreign_servers import POOLER, Pooler, free_port

from clickstream_assets.database_url import with_identity
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.postgres.server import PostgresServer

PASSWORD = "secret"
ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Shop:
    """The generator, as a process that is started again whenever it has ended."""

    landing: Path  # where files are put; the stream may see them through a mount
    rate: float
    log: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0

    def see_to_it(self) -> None:
        """Start it, if it does not run."""
        if self.process is not None and self.process.poll() is None:
            return
        self.starts += 1
        command = [sys.executable, "-m", "clickstream_assets.cli", "generate", "--rate", f"{self.rate:g}"]
        command += ["--out", str(self.landing), "--duplicates", "2%", "--malformed", "1%", "--late", "1%"]
        command += ["--seed", str(self.starts), "--exit-with-parent"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


@dataclass
class SoakPlace:
    """What the stream is among. `pooler`: None where there is none to be had."""

    directory: Path
    server: PostgresServer
    mount: FailingMount | None
    pooler: Pooler | None

    @property
    def home(self) -> Path:
        return self.directory / "home"

    @property
    def events(self) -> Path:
        return self.mount.path if self.mount else self.directory / "events"

    @property
    def owner_url(self) -> str:
        return superuser_url(self.server, PASSWORD, "clickstream")

    @property
    def writer_url(self) -> str:
        return with_identity(self.owner_url, ROLE_NAMES["writer"], PASSWORD)

    @property
    def pooled_url(self) -> str:
        """The writer's, through the pooler."""
        assert self.pooler is not None
        return self.writer_url.replace(f":{self.server.port}/", f":{self.pooler.port}/")

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        return run_sql(self.owner_url, statement)

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "CLICKSTREAM_HOME": str(self.home),
            "CLICKSTREAM_EVENTS_DIR": str(self.events),
            "CLICKSTREAM_DATABASE_URL": self.owner_url,
            "CLICKSTREAM_WRITER_PASSWORD": PASSWORD,
            "CLICKSTREAM_READER_PASSWORD": PASSWORD,
            "PYTHONPATH": str(ROOT),
        }

    def shop(self, rate: float) -> Shop:
        landing = self.mount.behind if self.mount else self.events
        return Shop(landing, rate, self.directory / "generator.log", self.environment())


@contextmanager
def open_soak_place() -> Iterator[SoakPlace]:
    """A place where nothing happens yet."""
    directory = Path(tempfile.mkdtemp(prefix="clickstream-soak-", dir="/tmp"))
    directory.chmod(0o777)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        server = stack.enter_context(server_with_schema(directory, PASSWORD, "clickstream"))
        mount = stack.enter_context(failing_mount(directory)) if can_mount() else None
        place = SoakPlace(directory, server, mount, None)
        place.events.mkdir(exist_ok=True)
        if POOLER is not None and server.port is not None:
            users = {ROLE_NAMES["writer"]: PASSWORD}
            place.pooler = Pooler(directory, server.port, users, port=free_port())
            stack.callback(place.pooler.stop)
            place.pooler.start(place.pooled_url)
        yield place
