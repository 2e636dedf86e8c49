"""Faults of a soak that are the file system's, where a mount can be made."""

from __future__ import annotations

from collections.abc import Callable

from soak_run import SoakRun

MOODS = ["ESTALE", "EIO", "EIO read", "ETIMEDOUT", "EHOSTDOWN"]


def _fails(run: SoakRun) -> None:
    assert run.place.mount is not None
    mood = run.chance.choice(MOODS)
    run.say(f"    {mood}")
    run.place.mount.fails(mood)
    run.pause(15)
    run.place.mount.works()


def _some_cannot_be_read(run: SoakRun) -> None:
    """They are set aside, and taken later."""
    assert run.place.mount is not None
    run.place.mount.fails(f"EIO read *[{run.chance.randrange(10)}{run.chance.randrange(10)}].csv")
    run.pause(20)
    run.place.mount.works()


def _goes_away(run: SoakRun) -> None:
    """The server of the mount dies, then it is unmounted, then it is mounted again: a file system of another number."""
    mount = run.place.mount
    assert mount is not None
    mount.die()
    run.pause(10)
    mount.unmount()
    run.pause(10)
    mount.mount()


FAULTS: dict[str, Callable[[SoakRun], None]] = {
    "the mount fails for 15 s": _fails,
    "some files cannot be read for 20 s": _some_cannot_be_read,
    "the mount goes away for 20 s, and another one comes": _goes_away,
}
