"""The service `spark-worker`: a worker of Spark's standalone cluster, known by its address on the master's network.

A container on two networks has two addresses, and its name may stand for either.
"""

from __future__ import annotations

import os
import socket
from urllib.parse import urlsplit

WORKER = "org.apache.spark.deploy.worker.Worker"


def main() -> None:
    master = os.environ["CLICKSTREAM_SPARK_MASTER"]
    parts = urlsplit(master)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:  # sends nothing
        probe.connect((parts.hostname, parts.port or 7077))
        address = probe.getsockname()[0]
    os.execvp("spark-class", ["spark-class", WORKER, "--host", address, "--webui-port", "8081", master])  # noqa: S606


if __name__ == "__main__":
    main()
