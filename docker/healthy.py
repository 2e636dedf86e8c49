"""Health checks of docker-compose.yml that need Python: exit 0 where the service of this container does its work.

    healthy.py code HOST:PORT | daemon

Dagster's own checks would do, and take seconds of a core each. The plainer checks are in healthy.sh.
"""

from __future__ import annotations

import os
import sys

LIMIT = 5.0  # seconds
DAEMON_SILENCE = 120  # seconds: the daemon notes twice a minute that it lives


def code(address: str) -> bool:
    """Whether Dagster's code server at `address` (HOST:PORT) serves."""
    import grpc  # type: ignore[import-untyped]
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        request = health_pb2.HealthCheckRequest(service="DagsterApi")
        answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=LIMIT)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def daemon() -> bool:
    """Whether every part of Dagster's daemon has given a sign of life, as Dagster's own storage has it."""
    import psycopg2

    url = os.environ["CLICKSTREAM_DAGSTER_DATABASE_URL"]
    with psycopg2.connect(url, connect_timeout=int(LIMIT)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(extract(epoch FROM now() AT TIME ZONE 'UTC' - min(timestamp)) < %s, false) "
            "FROM daemon_heartbeats WHERE daemon_type IN ('SENSOR', 'QUEUED_RUN_COORDINATOR', 'ASSET')",
            (DAEMON_SILENCE,),
        )
        (alive,) = cursor.fetchone() or (False,)
    return bool(alive)


def main(check: str, *arguments: str) -> int:
    try:
        is_well = daemon() if check == "daemon" else code(*arguments)
        return 0 if is_well else 1
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not well; Docker keeps what is said
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
