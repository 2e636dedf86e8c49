"""Tries the Compose stack from outside: python scripts/try_compose.py [--no-down] [FAULT ...]

Needs a Docker engine, and is no part of `make test` or CI. Brings the stack up, waits until events flow and
every service is healthy, and audits. Each FAULT is then caused in turn, and the same is awaited again, with the
time that it took: the name of a service (its container is killed), `network` (the stream is cut off from the
database), `database-restart`, `down` (everything is stopped and brought up again), or `all`. COMPOSE_PROJECT_NAME
and COMPOSE_PROFILES are heeded: with the profile `monitoring` its services count too.

After each one must hold: `clickstream verify` finds every row, exactly one stream holds the lock, exactly one run
and one driver exist, new events are committed, and nothing that was stored before has gone.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

SERVICES = (
    *("generator", "pgadmin", "dagster-webserver", "dagster-daemon", "dagster-code"),
    *("spark-worker", "spark-master", "postgres"),
)
MONITORING = ("metrics", "prometheus")
FAULTS = (*SERVICES, *MONITORING, "network", "database-restart", "down")
CUT_SECONDS = 40.0  # longer than it takes to notice
LIMIT = 240.0  # seconds until all is well again
STATE = """
SELECT json_build_object(
  'batches', coalesce(max(batch_id), 0),
  'inserted', (SELECT count(*) FROM events),
  'rejected', (SELECT count(*) FROM rejected_events),
  'newest', extract(epoch FROM max(committed_at)),
  'locks', (SELECT count(*) FROM pg_locks WHERE relation = 'stream_lock'::regclass AND granted
             AND mode = 'ExclusiveLock'),
  'epoch', (SELECT epoch FROM stream_lease))
FROM ingest_batches"""
RUNS = """{ runsOrError(filter: {pipelineName: "spark_stream", statuses: [STARTED, STARTING, CANCELING]}) {
  ... on Runs { results { runId } } } }"""


@dataclass(frozen=True)
class State:
    """What the database says of the stream. Counts are rows; `newest` is the last commit, in seconds since 1970."""

    batches: int
    inserted: int
    rejected: int
    newest: float | None
    locks: int
    epoch: int


def compose(*words: str, check: bool = True) -> str:
    """What `docker compose …` prints."""
    done = subprocess.run(
        ["docker", "compose", *words], check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    if check and done.returncode:
        raise RuntimeError(f"docker compose {' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def containers(service: str) -> list[str]:
    """The ids of the containers of `service`, running or not."""
    return compose("ps", "-aq", service).split()


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], check=True, capture_output=True, text=True).stdout.strip()


def read_state() -> State:
    """Raises RuntimeError while the database is away."""
    words = (
        "exec",
        "-T",
        "postgres",
        "psql",
        "-U",
        "clickstream_owner",
        "-d",
        "clickstream",
        "-XAtqc",
        STATE,
    )
    return State(**json.loads(compose(*words)))


def healthy() -> set[str]:
    """The services all of whose containers are running and healthy."""
    states: dict[str, list[str]] = {}
    for line in compose("ps", "-a", "--format", "json").splitlines():
        container = json.loads(line)
        states.setdefault(container["Service"], []).append(container["Health"])
    return {service for service, found in states.items() if set(found) == {"healthy"}}


def drivers() -> int:
    """How many processes of the stream's program there are."""
    # The bracket keeps the shell and grep, which have the pattern on their command lines, from being counted.
    count = "grep -la 'spark_streaming_to_postgre[s].py' /proc/[0-9]*/cmdline 2>/dev/null | wc -l"
    return int(compose("exec", "-T", "dagster-code", "sh", "-c", count))


def graphql(query: str) -> dict[str, object]:
    port = os.environ.get("CLICKSTREAM_DAGSTER_PORT") or "3000"
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql",
        json.dumps({"query": query}).encode(),
        {"Content-Type": "application/json"},
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        data: dict[str, object] = json.load(answer)["data"]
    return data


def stream_runs() -> int:
    runs: dict[str, list[object]] = graphql(RUNS)["runsOrError"]  # type: ignore[assignment]
    return len(runs["results"])


@cache
def wanted() -> frozenset[str]:
    """The services that must be healthy: those of a profile only where it is on."""
    return frozenset(SERVICES) | (frozenset(MONITORING) & set(compose("config", "--services").split()))


def what_is_missing(since: float) -> str | None:
    """Why the stack is not well; None if it is, with a commit after `since` (seconds since 1970)."""
    if sick := wanted() - healthy():
        return f"not healthy: {', '.join(sorted(sick))}"
    try:
        state = read_state()
        if state.locks != 1:
            return f"{state.locks} streams hold the lock"
        if state.newest is None or state.newest < since:
            return "no commit since"
        if (number := drivers()) != 1:
            return f"{number} drivers"
        if (number := stream_runs()) != 1:
            return f"{number} runs of the stream"
    except (RuntimeError, OSError, ValueError) as error:
        return str(error).strip()[:200]
    return None


def until_well(since: float) -> float:
    """Seconds until the stack was well again. Raises TimeoutError after LIMIT."""
    begin = time.monotonic()
    said = ""
    while missing := what_is_missing(since):
        if missing != said:
            sys.stdout.write(f"    {time.monotonic() - begin:5.1f} s  {missing}\n")
            sys.stdout.flush()
            said = missing
        if time.monotonic() - begin > LIMIT:
            raise TimeoutError(f"not well after {LIMIT:.0f} s: {missing}")
        time.sleep(1)
    return time.monotonic() - begin


def audit(before: State | None) -> str:
    """Conservation, by `clickstream verify`, and that nothing stored has gone. Raises RuntimeError."""
    report = json.loads(compose("exec", "-T", "dagster-code", "clickstream", "verify", "--json"))
    after = read_state()
    if before and (after.inserted < before.inserted or after.rejected < before.rejected):
        raise RuntimeError(f"rows have gone: {before} -> {after}")
    return f"verify green: {report['files']} files, {report['counts']}; epoch {after.epoch}"


def crash(service: str) -> None:
    """Kill the first container of `service`. As root on the engine's machine it is a crash, which its restart policy
    answers; `docker kill` counts as an order, after which it must be started again."""
    container = containers(service)[0]
    try:
        os.kill(int(docker("inspect", "-f", "{{.State.Pid}}", container)), signal.SIGKILL)
    except (PermissionError, ProcessLookupError):
        docker("kill", container)
        docker("start", container)


def cut_network() -> None:
    """Take the stream's container off the database's network for a while."""
    container = containers("dagster-code")[0]
    network = json.loads(compose("config", "--format", "json"))["networks"]["database"]["name"]
    docker("network", "disconnect", network, container)
    time.sleep(CUT_SECONDS)
    docker("network", "connect", network, container)


def down_and_up() -> None:
    compose("down")
    compose("up", "-d")


ACTS: dict[str, Callable[[], object]] = {
    "network": cut_network,
    "database-restart": lambda: compose("restart", "postgres"),
    "down": down_and_up,
}


def main() -> int:
    parser = argparse.ArgumentParser(description="Try the Compose stack from outside.")
    parser.add_argument("--no-down", action="store_true", help="leave the stack running")
    parser.add_argument(
        "faults", nargs="*", choices=[*FAULTS, "all", []], help="what to break, in this order"
    )
    arguments = parser.parse_args()
    faults = tuple(arguments.faults)
    if "all" in faults:
        faults = tuple(fault for fault in FAULTS if fault not in MONITORING or fault in wanted())
    try:
        begin = time.monotonic()
        compose("up", "-d")
        sys.stdout.write(f"up after {time.monotonic() - begin:.1f} s\n")
        until_well(time.time())
        sys.stdout.write(f"well after {time.monotonic() - begin:.1f} s; {audit(None)}\n")
        for fault in faults:
            before, since = read_state(), time.time()
            ACTS.get(fault, lambda name=fault: crash(name))()  # type: ignore[misc]
            acted = time.time()
            seconds = until_well(acted)
            sys.stdout.write(
                f"{fault}: well {seconds:.1f} s after the act ({acted - since:.1f} s); {audit(before)}\n"
            )
            sys.stdout.flush()
    finally:
        if not arguments.no_down:
            compose("down", check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
