"""A long run of faults, `make soak`: a live shop writes files, a stream loads them, and every so often one of many
things happens to the database, to the file system or to a process. Whoever sees the stream end starts it again, as the
supervisor does. Nothing may be lost or stored twice, and every end has its cause.

    python tests/support/outages/soak.py [--minutes 45] [--every 120] [--rate 200] [--seed 1]

The faults are a shuffled deck: each kind comes once before any comes again, and the same seed gives the same order.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

if __name__ == "__main__":
    _ROOT = Path(__file__).resolve().parents[3]
    sys.path[:0] = [
        str(_ROOT),
        str(_ROOT / "tests" / "support"),
        str(_ROOT / "tests" / "support" / "outages"),
    ]

import faults_of_database
import faults_of_files
import faults_of_processes
import psutil
import psycopg2
from soak_audit import audit, settle
from soak_deck import Deck
from soak_place import SoakPlace, open_soak_place
from soak_run import SoakRun
from soak_streams import Streams

Faults = dict[str, Callable[[SoakRun], None]]


def faults_at(place: SoakPlace) -> Faults:
    """All that can happen there."""
    faults = faults_of_database.FAULTS | faults_of_processes.FAULTS
    if place.mount is not None:
        faults |= faults_of_files.FAULTS
    if place.pooler is None:
        del faults[faults_of_database.POOLER_FAULT]
    return faults


def soak(minutes: float, every: float, rate: float, seed: int, say: Callable[[str], None]) -> list[str]:
    """Run it. What was wrong at the end, a line each; nothing where all was well."""
    wrong: list[str] = []
    chance = random.Random(seed)
    with open_soak_place() as place, ExitStack() as stack:
        shop, streams = place.shop(rate), Streams(place, say, wrong)
        stack.callback(streams.kill_all)
        stack.callback(shop.end)
        run = SoakRun(place, shop, streams, chance, say)
        faults = faults_at(place)
        deck = Deck(sorted(faults), chance)
        streams.start()
        happened: list[str] = []
        began = time.monotonic()
        while (now := time.monotonic() - began) + every < minutes * 60:
            run.pause(every * (1 + now // every) - now)
            happened.append(deck.draw())
            _happen(run, happened[-1], faults[happened[-1]])
        run.pause(minutes * 60 - (time.monotonic() - began))
        shop.end()
        settle(streams)
        audit(streams)
        say(f"{len(happened)} faults of {len(set(happened))} kinds, of {len(faults)}")
        slowest = max(run.back, key=lambda name: run.back[name], default="")
        if slowest:
            say(f"longest until the next commit: {run.back[slowest]:.0f} s, after: {slowest}")
    return wrong


def _happen(run: SoakRun, name: str, fault: Callable[[SoakRun], None]) -> None:
    if (before := run.unfinished()) is not None:
        run.say(f"    nothing was committed yet since: {before}")
    run.say(f"{time.strftime('%H:%M:%S')} {name}")
    try:
        fault(run)
    except (psutil.NoSuchProcess, StopIteration, psycopg2.OperationalError) as error:
        run.say(f"    it did not come to it: {str(error).strip() or type(error).__name__}")
    run.happened(name)


def main() -> int:
    parser = argparse.ArgumentParser(description="A long run of faults.")
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--every", type=float, default=120, help="seconds from fault to fault")
    parser.add_argument("--rate", type=float, default=200, help="events per second")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    def say(text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    wrong = soak(options.minutes, options.every, options.rate, options.seed, say)
    for line in wrong:
        say(f"WRONG: {line}")
    say(f"{len(wrong)} things are wrong." if wrong else "Nothing was lost, nothing is there twice.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
