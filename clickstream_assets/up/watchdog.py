"""Ends the process groups of a parent that died without ending them itself (SIGKILL, out of memory).

A program of its own, run as `python -I -S watchdog.py` with its standard input from the parent: `+123` adds a
process group, `-123` takes it away, and the end of the input is the parent's end. A pipe tells this at once on
every system; PR_SET_PDEATHSIG is Linux alone and does not reach grandchildren. Imports nothing of the project.
"""

import contextlib
import os
import signal
import sys
import time

GRACE = 10.0  # seconds between asking and killing; Spark finishes its micro-batch


def members_left(groups: set[int]) -> set[int]:
    """Those of `groups` that still have a process."""
    left = set()
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            try:
                os.killpg(group, 0)
            except PermissionError:
                continue  # macOS: zombies alone are left
            left.add(group)
    return left


def end(groups: set[int], grace: float = GRACE) -> None:
    """Ask all processes of `groups` to end, and kill what is left after `grace` seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for group in groups:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, number)
        deadline = time.monotonic() + grace
        while (groups := members_left(groups)) and time.monotonic() < deadline:
            time.sleep(0.1)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the parent gets these too, and ends the input
    groups: set[int] = set()
    for line in sys.stdin:
        if line.startswith("+"):
            groups.add(int(line[1:]))
        else:
            groups.discard(int(line[1:]))
    end(groups)


if __name__ == "__main__":
    main()
