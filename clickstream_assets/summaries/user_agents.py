"""User agent strings: what device, system and browser a string names.

The device class is ours: ua-parser does not have it. Each distinct string is parsed once, into the table `user_agents`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import ua_parser

DeviceClass = Literal["desktop", "phone", "tablet", "tv", "bot", "other"]
OTHER = "Other"  # ua-parser's own word for what it does not know

DESKTOP_SYSTEMS = re.compile(
    r"Windows|Mac OS( X)?|Linux|Chrome OS|[KX]?ubuntu|Debian|Fedora|Red Hat|CentOS|(open)?SUSE|Arch Linux|"
    r"(Linux )?Mint|Gentoo|Slackware|(Free|Open|Net|DragonFly )BSD|Solaris",
    re.IGNORECASE,
)
TV = re.compile(
    r"smart-?tv|apple ?tv|google ?tv|android tv|hbbtv|netcast|web0s|\b(crkey|roku|bravia|aft[a-z]+)\b"
)
# "Tablet PC" is what Internet Explorer on a desktop with touch support says.
TABLET = re.compile(r"tablet(?! pc)|\bipad\b|\bkindle\b|\bplaybook\b")
PHONE = re.compile(
    r"mobi|\biphone\b|\bipod\b|\bphone\b|opera mini|symbian|\bmidp\b|blackberry|\bwindows ce\b"
)


@dataclass(frozen=True)
class UserAgent:
    """What a user agent string says. `model`, `system` and `browser` are ua-parser's families."""

    device: DeviceClass
    model: str
    system: str
    browser: str


def parse(string: str) -> UserAgent:
    """Read a user agent string; what cannot be told is `Other` (the device: `other`)."""
    found = ua_parser.parse(string)
    model = found.device.family if found.device else OTHER
    system = found.os.family if found.os else OTHER
    browser = found.user_agent.family if found.user_agent else OTHER
    return UserAgent(device_class(string, model, system), model, system, browser)


def device_class(string: str, model: str, system: str) -> DeviceClass:
    """The class of a device, from the string and ua-parser's families of it; the first that fits, from bot on.

    By Google's and Mozilla's convention a phone says "Mobile" somewhere, and an Android that does not is a
    tablet.
    """
    text = string.lower()
    if model == "Spider":
        return "bot"
    if TV.search(text) or system == "tvOS":
        return "tv"
    if TABLET.search(text) or model == "Generic Tablet" or (system == "Android" and "mobi" not in text):
        return "tablet"
    if PHONE.search(text) or system == "Android" or model in ("Generic Smartphone", "Generic Feature Phone"):
        return "phone"
    return "desktop" if DESKTOP_SYSTEMS.fullmatch(system) else "other"
