"""Who visits the shop: names, how often each comes, and the browsers they come with.

Like the catalogue, the people are the same in every run. What they do is in `sessions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from faker import Faker
from faker.providers.user_agent import Provider as UserAgentProvider

from clickstream_assets.generator.catalogue import SHOP_SEED

HANDLES = 1_000  # distinct names; beyond them a number is added
AGENTS_PER_KIND = 24
LOYALTY = 1.5  # the user at quantile q of all visits is number q ** LOYALTY of the population: few come often
SECOND_DEVICE = 0.2  # share of the sessions that a user starts from the other of two devices
_AGENT_SLOTS = 1 << 14


class BrowserProvider(UserAgentProvider):
    """Faker's user agents, kept to browsers that people still use."""

    windows_platform_tokens = ("Windows NT 10.0; Win64; x64",)
    linux_processors = ("x86_64",)
    android_versions = ("11", "12", "13", "14", "15")
    ios_versions = ("16_7", "17_4", "17_6", "18_1", "18_3")
    phones = ("SM-G991B", "SM-A546B", "Pixel 7", "Pixel 8", "M2101K6G", "moto g84 5G", "CPH2471")

    def _version(self) -> int:
        return self.generator.random.randint(118, 134)

    def _webkit(self, system: str, tail: str) -> str:
        return f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) {tail} Safari/537.36"

    def _desktop(self) -> str:
        return self.random_element(
            (
                self.windows_platform_token(),
                "Macintosh; Intel Mac OS X 10_15_7",
                f"X11; {self.linux_platform_token().split('; ')[-1]}",
            )
        )

    def android_chrome(self) -> str:
        system = (
            f"Linux; Android {self.random_element(self.android_versions)}; {self.random_element(self.phones)}"
        )
        return self._webkit(system, f"Chrome/{self._version()}.0.0.0 Mobile")

    def iphone_safari(self, device: str = "iPhone; CPU iPhone OS") -> str:
        ios = self.random_element(self.ios_versions)
        return (
            f"Mozilla/5.0 ({device} {ios} like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            f"Version/{ios.replace('_', '.')} Mobile/15E148 Safari/604.1"
        )

    def ipad_safari(self) -> str:
        return self.iphone_safari("iPad; CPU OS")

    def desktop_chrome(self) -> str:
        return self._webkit(self._desktop(), f"Chrome/{self._version()}.0.0.0")

    def desktop_edge(self) -> str:
        version = self._version()
        system = self.windows_platform_token()
        return self._webkit(system, f"Chrome/{version}.0.0.0") + f" Edg/{version}.0.0.0"

    def desktop_firefox(self) -> str:
        version = self._version()
        return f"Mozilla/5.0 ({self._desktop()}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"

    def android_firefox(self) -> str:
        version = self._version()
        system = f"Android {self.random_element(self.android_versions)}; Mobile"
        return f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/{version}.0 Firefox/{version}.0"


# Share of the visitors by kind of browser.
KINDS = {
    "android_chrome": 0.36,
    "iphone_safari": 0.25,
    "desktop_chrome": 0.22,
    "desktop_edge": 0.06,
    "desktop_firefox": 0.05,
    "ipad_safari": 0.04,
    "android_firefox": 0.02,
}


@dataclass(frozen=True)
class People:
    """The population: `ids` is the text of `user_id` by user index, `agents` that of `user_agent`."""

    ids: pa.BinaryArray
    agents: list[str]
    agent_slots: np.ndarray

    def visitors(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """User index and user-agent index of `count` visits; a user keeps to two devices."""
        users = (len(self.ids) * rng.random(count) ** LOYALTY).astype(np.int32)
        device = (rng.random(count) < SECOND_DEVICE).astype(np.uint64)
        slot = _scramble(users.astype(np.uint64) * np.uint64(2) + device) % np.uint64(_AGENT_SLOTS)
        return users, self.agent_slots[slot]


@lru_cache(maxsize=2)
def make_people(population: int) -> People:
    """Invent the first `population` people: always the same ones."""
    handles, agents = _inventions()
    index = np.arange(population)
    turn = pc.cast(pa.array(index // len(handles)), pa.string()).cast(pa.binary())
    name = handles.take(pa.array(index % len(handles)))
    numbered = pc.binary_join_element_wise(name, turn, pa.scalar(b"."))
    ids = pc.if_else(pa.array(index < len(handles)), name, numbered)

    cumulated = np.cumsum(list(agents.values()))
    slots = np.searchsorted(cumulated / cumulated[-1], (np.arange(_AGENT_SLOTS) + 0.5) / _AGENT_SLOTS)
    return People(ids=ids, agents=list(agents), agent_slots=slots.astype(np.int16))


@cache
def _inventions() -> tuple[pa.BinaryArray, dict[str, float]]:
    """Distinct names, and user agents with the weight of each."""
    fake = Faker("en_US")
    fake.seed_instance(SHOP_SEED)
    fake.add_provider(BrowserProvider)
    names = (re.sub(r"[^a-z]", "", fake.user_name()) for _ in range(2 * HANDLES))
    handles = list(dict.fromkeys(names))[:HANDLES]
    agents: dict[str, float] = {}
    for kind, share in KINDS.items():
        for rank in range(1, AGENTS_PER_KIND + 1):
            agent = getattr(fake, kind)()
            agents[agent] = agents.get(agent, 0.0) + share / rank
    return pa.array(handles, pa.binary()), agents


def _scramble(keys: np.ndarray) -> np.ndarray:
    """A fixed pseudo-random 64-bit number for each key (the finalizer of SplitMix64)."""
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))
