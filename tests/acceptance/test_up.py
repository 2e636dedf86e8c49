"""`clickstream up` from outside: everything comes up, survives kills, and Ctrl-C leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from up_stack import Up, until

END_LIMIT = 20.0  # seconds from Ctrl-C to the end of every process


@pytest.mark.spark
@pytest.mark.timeout(600)
def test_everything_comes_up_survives_kills_and_ends_on_ctrl_c_and_goes_on_the_next_time(up: Up) -> None:
    process = up.start()
    assert up.webserver_answers()
    until(lambda: up.stored() > 0, "the first rows")

    # A second one of the same home says so, and touches nothing.
    second = subprocess.run(
        [sys.executable, "-m", "clickstream_assets.cli", "up"],
        env=up.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 2
    assert second.stderr.startswith("clickstream: it runs already for ")
    assert second.stderr.count("\n") == 1

    os.kill(up.child("dagster_webserver"), signal.SIGKILL)
    until(lambda: "dagster-webserver ended unexpectedly" in up.said(), "the death is told")
    until(up.webserver_answers, "the webserver is back")

    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(END_LIMIT) == 0
    assert time.monotonic() - started < END_LIMIT
    assert up.processes() == {}
    assert up.said().endswith("Stopped.\n")
    assert "Conservation holds" in up.run("verify")
    before = up.stored()

    process = up.start()
    until(lambda: up.stored() > before, "more rows than the first time")
    assert "stream dead" not in up.said(), "a stream that is about to start is starting"
    process.send_signal(signal.SIGTERM)
    assert process.wait(END_LIMIT) == 0
    assert up.processes() == {}
    assert "Conservation holds" in up.run("verify")
