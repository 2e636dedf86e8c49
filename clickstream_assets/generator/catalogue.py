"""What the shop sells: products, prices, and how much more wanted some are than others.

The catalogue is the same in every run, whatever the seed of the traffic: a product keeps its id and its price. Who
looks at a product is in `sessions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
from faker import Faker

SHOP_SEED = 20_000_101
PRODUCTS = 2_000
# Popularity falls with the rank as 1 / (rank + FLATTENING) ** EXPONENT (Zipf-Mandelbrot).
EXPONENT = 1.05
FLATTENING = 2.0
UNPRICED_EVERY = 50  # one product in so many is announced but not on sale: it has views, and no price

# Code and median price of each category.
CATEGORIES = (
    ("ELE", 129.0),
    ("FAS", 39.0),
    ("HOM", 34.0),
    ("BEA", 18.0),
    ("SPO", 45.0),
    ("TOY", 24.0),
    ("BOO", 14.0),
    ("GRO", 6.0),
    ("GAR", 29.0),
    ("PET", 17.0),
)


@dataclass(frozen=True)
class Catalogue:
    """The products, in the order of their categories; all arrays but the last are indexed by product.

    Attributes:
        ids: text of `product_id`.
        prices: text of the price, empty where there is none.
        on_sale: whether there is a price.
        popularity: cumulated share of all views, up to and with each product; ends with 1.
        categories: cumulated popularity at the borders of the categories, from 0 to 1.
    """

    ids: pa.BinaryArray
    prices: pa.BinaryArray
    on_sale: np.ndarray
    popularity: np.ndarray
    categories: np.ndarray

    def choose(self, rng: np.random.Generator, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """One product index each, by popularity, among those between two points of cumulated popularity."""
        points = low + (high - low) * rng.random(len(low))
        return np.searchsorted(self.popularity, points, side="right").clip(max=len(self.popularity) - 1)


@cache
def make_catalogue(products: int = PRODUCTS) -> Catalogue:
    """Invent the catalogue: always the same one."""
    rng = np.random.default_rng(SHOP_SEED)
    fake = Faker("en_US")
    fake.seed_instance(SHOP_SEED)
    category = np.sort(rng.integers(0, len(CATEGORIES), products))
    ids = [f"{CATEGORIES[c][0]}-{fake.unique.numerify('#####')}" for c in category]

    rank = rng.permutation(products)
    weights = 1.0 / (rank + 1 + FLATTENING) ** EXPONENT
    popularity = np.cumsum(weights)
    popularity /= popularity[-1]
    borders = np.searchsorted(category, np.arange(len(CATEGORIES) + 1))

    medians = np.array([median for _, median in CATEGORIES])[category]
    cents = np.maximum(2, np.round(medians * rng.lognormal(0.0, 0.6, products))) * 100
    cents -= rng.choice([0, 1, 5, 50], products, p=[0.1, 0.6, 0.2, 0.1])  # 20.00, 19.99, 19.95, 19.50
    on_sale = rank % UNPRICED_EVERY != UNPRICED_EVERY - 1
    prices = [f"{cent / 100:.2f}" if sold else "" for cent, sold in zip(cents, on_sale, strict=True)]

    return Catalogue(
        ids=pa.array(ids, pa.binary()),
        prices=pa.array(prices, pa.binary()),
        on_sale=on_sale,
        popularity=popularity,
        categories=np.concatenate(([0.0], popularity))[borders],
    )
