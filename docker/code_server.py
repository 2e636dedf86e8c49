"""The service `dagster-code`: Dagster's code server, whose runs, and so the stream, live in this container.

Asked to stop, it first lets the stream finish its micro-batch, as `clickstream up` does. If the server dies, so does
the container, and Docker starts it again; the supervisor sensor then starts the stream.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

from clickstream_assets.paths import PROJECT_ROOT
from clickstream_assets.up.end import end_runs

LOOK_EVERY = 0.5  # seconds
# The name is this container's on the control network alone: gRPC here runs code and knows no password.
COMMAND = (
    *(sys.executable, "-m", "dagster", "api", "grpc", "--host", "code-server", "--port", "4266"),
    *("--module-name", "clickstream_assets.definitions", "--working-directory", str(PROJECT_ROOT)),
    *("--location-name", "clickstream", "--log-level", "warning"),
)


def main() -> int:
    asked = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: asked.set())
    server = subprocess.Popen(COMMAND, start_new_session=True)
    while server.poll() is None and not asked.wait(LOOK_EVERY):
        pass
    if not asked.is_set():
        return 1
    end_runs(lambda: {server.pid})
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main())
