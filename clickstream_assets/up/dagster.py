"""Dagster's programs for `up`: the code server, the webserver and the daemon, and whether they are well.

Their home, environment and commands, and what they say of themselves over HTTP. `processes` keeps them alive.

The same programs as under `dagster dev`, which gives up when one dies. The code server answers on a unix socket
in a directory of ours alone: its protocol runs code and knows no password.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import yaml  # type: ignore[import-untyped]

from clickstream_assets.home import make_home
from clickstream_assets.paths import FILES_ROOT, PROJECT_ROOT
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.text import first_line
from clickstream_assets.up.processes import Program

HOST = "127.0.0.1"  # the webserver has no login
CODE_SERVER, WEBSERVER, DAEMON = "dagster-code-server", "dagster-webserver", "dagster-daemon"
HTTP_LIMIT = 5.0  # seconds
PROBE_LIMIT = 20.0  # seconds, most of which a busy machine needs to start the program that asks
HEALTH_QUERY = """{
  workspaceOrError { ... on Workspace { locationEntries {
    name loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } }
  instance { daemonHealth { allDaemonStatuses { daemonType required healthy } } }
}"""


@dataclass(frozen=True)
class Health:
    """What the webserver says. `load_error` is the first line of why the definitions do not load.

    `unreachable`: the code server does not answer, which at the start only means: not yet.
    """

    answers: bool
    loaded: bool = False
    unreachable: bool = False
    load_error: str | None = None
    daemon: bool = False

    @property
    def complete(self) -> bool:
        return self.answers and self.loaded and self.daemon


def dagster_home(settings: Settings) -> Path:
    return settings.home / "dagster"


def prepare_home(settings: Settings) -> None:
    """Make Dagster's home with the project's `dagster.yaml`, which Dagster wants to find there."""
    make_home(settings.home)
    home = dagster_home(settings)
    home.mkdir(exist_ok=True)
    shutil.copyfile(FILES_ROOT / "dagster.yaml", home / "dagster.yaml")


def write_workspace(settings: Settings, socket: Path) -> None:
    """Write a workspace that points at the code server; the project's own would start one in each program."""
    home = dagster_home(settings)
    entry = {"grpc_server": {"socket": str(socket), "location_name": _target()["location_name"]}}
    (home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [entry]}))


def read_configuration(settings: Settings) -> dict[Path, bytes]:
    """The files that Dagster's programs read again and again, with what is in them."""
    home = dagster_home(settings)
    return {file: file.read_bytes() for file in (home / "dagster.yaml", home / "workspace.yaml")}


def restore_configuration(files: Mapping[Path, bytes]) -> bool:
    """Write those of the files that somebody deleted. Returns whether there were any."""
    missing = [file for file in files if not file.exists()]
    for file in missing:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(files[file])
    return bool(missing)


def dagster_environment(connections: Connections) -> dict[str, str]:
    """What Dagster's programs need besides our environment. Holds a password."""
    settings = connections.settings
    return {
        "DAGSTER_HOME": str(dagster_home(settings)),
        **settings.path_variables(),
        **settings.secret_file_variables(),
        "CLICKSTREAM_DAGSTER_DATABASE_URL": connections.url("dagster"),
    }


def dagster_programs(connections: Connections, socket: Path, extra: Mapping[str, str]) -> list[Program]:
    """The three programs in the order of their start; `extra` goes into their environment."""
    settings = connections.settings
    environment = {**os.environ, **dagster_environment(connections), **extra, "PYTHONUNBUFFERED": "1"}
    # They run in the home. Not in the project's directory: Dagster lets an .env there override what we say here. Nor in
    # Dagster's own: when that is deleted, no run starts from there any more.
    workspace = str(dagster_home(settings) / "workspace.yaml")
    target = _target()
    commands = {
        CODE_SERVER: [
            *("-m", "dagster", "code-server", "start", "--socket", str(socket), "--log-level", "warning"),
            *("--module-name", target["module_name"], "--working-directory", str(PROJECT_ROOT)),
            *("--location-name", target["location_name"]),
        ],
        WEBSERVER: [
            *("-m", "dagster_webserver", "--host", HOST, "--port", str(settings.dagster_port)),
            *("--workspace", workspace, "--dagster-log-level", "warning"),
        ],
        DAEMON: ["-m", "dagster._daemon", "run", "--workspace", workspace, "--log-level", "warning"],
    }
    return [
        Program(name, (sys.executable, *rest), environment, settings.home) for name, rest in commands.items()
    ]


def migrate_command() -> tuple[str, ...]:
    """Makes or upgrades Dagster's tables. Before the programs start: they would all make them at once."""
    return (sys.executable, "-m", "dagster", "instance", "migrate")


def migrate_storage(connections: Connections) -> int:
    """Make Dagster's home, and make or upgrade its tables. Returns the exit code of Dagster's own program."""
    settings = connections.settings
    prepare_home(settings)
    environment = {**os.environ, **dagster_environment(connections)}
    return subprocess.run(
        migrate_command(), env=environment, cwd=dagster_home(settings), check=False
    ).returncode


def web_url(settings: Settings) -> str:
    return f"http://{HOST}:{settings.dagster_port}"


def read_health(settings: Settings) -> Health:
    """Ask the webserver how Dagster is."""
    request = urllib.request.Request(  # noqa: S310 - our own server
        f"{web_url(settings)}/graphql",
        data=json.dumps({"query": HEALTH_QUERY}).encode(),
        headers={"Content-Type": "application/json"},
    )
    # Straight there: a proxy of the environment would be asked for our own address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=HTTP_LIMIT) as response:
            return health_of(json.load(response))
    except (OSError, urllib.error.URLError, ValueError):
        return Health(answers=False)


def code_server_answers(settings: Settings) -> bool:
    """Ask the code server itself. The webserver would not notice one that hangs: it knows the definitions by heart."""
    workspace = yaml.safe_load((dagster_home(settings) / "workspace.yaml").read_text())
    socket = workspace["load_from"][0]["grpc_server"]["socket"]
    command = [sys.executable, "-m", "dagster", "api", "grpc-health-check", "--socket", socket]
    try:
        return subprocess.run(command, capture_output=True, timeout=PROBE_LIMIT, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def health_of(answer: dict[str, Any]) -> Health:
    """Read the answer to HEALTH_QUERY."""
    data = answer.get("data") or {}
    entries = (data.get("workspaceOrError") or {}).get("locationEntries") or []
    complaints = [
        first_line(entry["locationOrLoadError"].get("message") or "no reason given")
        for entry in entries
        if (entry.get("locationOrLoadError") or {}).get("__typename") == "PythonError"
    ]
    unreachable = any("UserCodeUnreachable" in complaint for complaint in complaints)
    health = ((data.get("instance") or {}).get("daemonHealth") or {}).get("allDaemonStatuses") or []
    return Health(
        answers=True,
        loaded=bool(entries) and not complaints and all(e.get("loadStatus") == "LOADED" for e in entries),
        unreachable=unreachable,
        load_error=complaints[0] if complaints and not unreachable else None,
        daemon=bool(health) and all(status["healthy"] for status in health if status["required"]),
    )


def run_workers(process_groups: set[int]) -> list[int]:
    """The ids of the processes that execute runs, among the given process groups."""
    found = []
    for process in psutil.process_iter():
        try:
            spawned = any("spawn_main" in word for word in process.cmdline()[1:4])
            if spawned and os.getpgid(process.pid) in process_groups:
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def _target() -> dict[str, str]:
    """The code location of the project's workspace.yaml, so that `dagster dev` and `up` agree on its name."""
    workspace = yaml.safe_load((FILES_ROOT / "workspace.yaml").read_text())
    target: dict[str, str] = workspace["load_from"][0]["python_module"]
    return {"location_name": target["module_name"]} | target
