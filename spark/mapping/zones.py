"""Names of zones, and offsets from UTC."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

ZONE_NAME = re.compile(
    r"[A-Za-z][A-Za-z_]*(?:/[A-Za-z_+-]+)*"
)  # without digits: those of a time have no value yet


def read_offset(text: str) -> int | None:
    """Seconds of an offset like +02:00 or -0800."""
    found = re.fullmatch(r"([+-])([01][0-9]):?([0-5][0-9])", text, re.ASCII)
    if found is None:
        return None
    seconds = int(found[2]) * 3600 + int(found[3]) * 60
    return -seconds if found[1] == "-" else seconds


def is_zone(name: str) -> bool:
    """Whether the time zone database has it."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return True
