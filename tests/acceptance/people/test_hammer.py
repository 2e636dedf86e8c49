"""Things that people do, at random, to a running stack: runs deleted and terminated, assets wiped, sensors switched
off, drivers killed, the daemon frozen, strange launchpads, every button. Guards against a second stream, and against
anything shown that is not so.

CLICKSTREAM_HAMMER_SEED chooses what is done, CLICKSTREAM_HAMMER_SECONDS for how long.
"""

from __future__ import annotations

import os
import random
import time

import pytest
from alert_receiver import Receiver
from hammer import Hammer, drivers
from up_stack import Up, until
from witness import Witness

pytestmark = [pytest.mark.spark, pytest.mark.timeout(0)]

SEED = int(os.environ.get("CLICKSTREAM_HAMMER_SEED", "7"))
LONG = float(os.environ.get("CLICKSTREAM_HAMMER_SECONDS", "600"))
SHORT = 30.0
PAUSES = (3.0, 20.0)  # seconds between two blows
SHORT_PAUSES = (2.0, 6.0)
LOOK_EVERY = 1.5
WELL_LIMIT = 300.0  # seconds until all is well again, on a busy machine


def strike_for(
    up: Up, receiver: Receiver, seconds: float, seed: int, between: tuple[float, float], *, is_long: bool
) -> None:
    up.start()
    until(lambda: up.stored() > 0, "the first rows")
    hammer = Hammer(up, seed, is_long=is_long)
    witness = Witness(up, hammer.done, receiver)
    pauses = random.Random(seed)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            hammer.strike()
            pause = time.monotonic() + pauses.uniform(*between)
            while time.monotonic() < pause:
                witness.look()
                hammer.let_go(older_than=pauses.uniform(15, 130))
                time.sleep(LOOK_EVERY)
    finally:
        hammer.let_go(older_than=0)
    story = "\n".join([*hammer.done.log, "", *witness.states])
    until(witness.is_well, f"all is well again after:\n{story}", WELL_LIMIT)
    assert len(drivers(up)) == 1
    assert "Conservation holds" in up.run("verify")
    assert witness.lies == {}, story


def test_half_a_minute_of_what_people_do_leaves_one_stream_and_no_lie(up: Up, receiver: Receiver) -> None:
    strike_for(up, receiver, SHORT, SEED, SHORT_PAUSES, is_long=False)


@pytest.mark.faults
def test_ten_minutes_of_what_people_do_leave_one_stream_and_no_lie(up: Up, receiver: Receiver) -> None:
    strike_for(up, receiver, LONG, SEED + 1, PAUSES, is_long=True)
