"""How visitors behave: sessions that walk view → add_to_cart → (remove_from_cart) → purchase.

Every session views; only a viewed product with a price goes into the cart, only what is in the cart is removed or
bought, and what is bought was not removed. When sessions begin is in `timeline`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clickstream_assets.generator.catalogue import Catalogue
from clickstream_assets.generator.people import People

ACTIONS = ("view", "add_to_cart", "remove_from_cart", "purchase")
VIEW, ADD, REMOVE, PURCHASE = range(4)

# An event before it is written. `time` is in milliseconds since 1970; agent, user and product are indexes.
EVENT = np.dtype(
    [("time", "i8"), ("session", "u8"), ("user", "i4"), ("product", "i4"), ("agent", "i2"), ("action", "i1")],
    align=True,
)

# Why people come: share of the sessions, views on average, chance that a view ends in the cart, and that a
# cart is paid for. Together: one session in 25 buys, nine views in a hundred reach the cart.
INTENTS = np.array(
    [
        (0.38, 1.0, 0.00, 0.00),  # one look
        (0.52, 5.0, 0.05, 0.08),  # looking around
        (0.10, 7.0, 0.30, 0.45),  # shopping
    ]
)
SECOND_THOUGHTS = 0.15  # chance that what is in the cart is taken out again
FAITHFUL = 0.7  # chance that a view stays in the category of the session
MOST_VIEWS = 60
DWELL_MEDIAN, DWELL_SPREAD, DWELL_MOST = 25_000, 1.1, 600_000  # ms, log-normal, ms
CHECKOUT_MEDIAN, CHECKOUT_SPREAD, CHECKOUT_MOST = 45_000, 0.6, 300_000  # ms, log-normal, ms
LONGEST = 3_600_000  # ms; longer sessions are quickened to this
MEAN_EVENTS = 4.2  # a session, measured; only used to guess how many sessions will do


@dataclass(frozen=True)
class Walks:
    """Some sessions, not placed in time yet.

    Attributes:
        events: `time` counts from the begin of the session; the events of one action follow each other.
        owner: number of each event's session, from 0.
        sizes: events of each session.
        durations: of each session, in ms.
    """

    events: np.ndarray
    owner: np.ndarray
    sizes: np.ndarray
    durations: np.ndarray

    def place(self, starts: np.ndarray, stretch: np.ndarray) -> np.ndarray:
        """The events in time order, each session begun at its `starts` (ms), and `stretch` times as long."""
        events = self.events.copy()
        events["time"] = starts[self.owner] + (events["time"] * stretch[self.owner]).astype(np.int64)
        # Stable, so that actions in the same millisecond keep their order.
        return events[np.argsort(events["time"], kind="stable")]

    def first(self, count: int) -> Walks:
        """The first `count` sessions."""
        mine = self.owner < count
        return Walks(self.events[mine], self.owner[mine], self.sizes[:count], self.durations[:count])


def walk(rng: np.random.Generator, catalogue: Catalogue, people: People, count: int) -> Walks:
    """Let `count` visitors walk through the shop."""
    share, mean_views, add_chance, pay_chance = INTENTS.T
    intent = np.searchsorted(np.cumsum(share)[:-1], rng.random(count), side="right")
    views = np.minimum(rng.geometric(1.0 / mean_views[intent]), MOST_VIEWS)
    owner = np.repeat(np.arange(count), views)

    dwell = _lognormal(rng, len(owner), DWELL_MEDIAN, DWELL_SPREAD, DWELL_MOST)
    left = np.cumsum(dwell)
    last = np.cumsum(views) - 1
    begin = np.concatenate(([0], left[last][:-1]))
    viewed = left - dwell - begin[owner]
    browsed = left[last] - begin  # when the last page is left
    product = _products(rng, catalogue, owner, count)

    wanted = (rng.random(len(owner)) < add_chance[intent][owner]) & catalogue.on_sale[product]
    carted = _first_of_each(np.flatnonzero(wanted), owner, product, len(catalogue.on_sale))
    added = viewed[carted] + (dwell[carted] * rng.uniform(0.2, 0.9, len(carted))).astype(np.int64)

    unsure = rng.random(len(carted)) < SECOND_THOUGHTS
    dropped = carted[unsure]
    removed = added[unsure]
    removed = removed + ((browsed[owner[dropped]] - removed) * rng.random(len(dropped))).astype(np.int64)

    pays = rng.random(count) < pay_chance[intent]
    bought = carted[~unsure & pays[owner[carted]]]
    checkout = _lognormal(rng, count, CHECKOUT_MEDIAN, CHECKOUT_SPREAD, CHECKOUT_MOST)
    paid = (browsed + checkout)[owner[bought]]

    visits = np.concatenate((np.arange(len(owner)), carted, dropped, bought))
    whose = owner[visits]
    events = np.empty(len(visits), EVENT)
    events["time"] = np.concatenate((viewed, added, removed, paid))
    events["action"] = np.repeat(np.arange(4), (len(owner), len(carted), len(dropped), len(bought)))
    events["product"] = product[visits]
    user, agent = people.visitors(rng, count)
    session = rng.integers(0, 1 << 64, count, dtype=np.uint64)
    events["user"], events["agent"], events["session"] = user[whose], agent[whose], session[whose]

    durations = browsed + np.where(np.bincount(owner[bought], minlength=count) > 0, checkout, 0)
    quickened = np.minimum(1.0, LONGEST / np.maximum(durations, 1))
    events["time"] = (events["time"] * quickened[whose]).astype(np.int64)
    sizes = np.bincount(whose, minlength=count)
    return Walks(events, whose, sizes, np.minimum(durations, LONGEST))


def _lognormal(rng: np.random.Generator, count: int, median: float, spread: float, most: int) -> np.ndarray:
    return np.minimum(median * np.exp(spread * rng.standard_normal(count)), most).astype(np.int64)


def _products(rng: np.random.Generator, catalogue: Catalogue, owner: np.ndarray, sessions: int) -> np.ndarray:
    """The product of each view: mostly from one category a session, the popular ones far more often."""
    borders = catalogue.categories
    home = np.searchsorted(borders[1:-1], rng.random(sessions), side="right")[owner]
    faithful = rng.random(len(owner)) < FAITHFUL
    return catalogue.choose(
        rng, np.where(faithful, borders[home], 0.0), np.where(faithful, borders[home + 1], 1.0)
    )


def _first_of_each(visits: np.ndarray, owner: np.ndarray, product: np.ndarray, products: int) -> np.ndarray:
    """Of some visits, the first one of each session to each product: nobody adds the same thing twice."""
    _, first = np.unique(owner[visits] * products + product[visits], return_index=True)
    return np.sort(visits[first])
