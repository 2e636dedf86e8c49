"""Files in the shape of a public data set of a large shop, REES46's: no ids, other names, columns that are not ours.

Made by rules from that header and those kinds of values: nothing of the data set itself. A third of the rows have no
category code, one in seven has no brand, and one in a thousand repeats the row before it.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

START = datetime(2019, 10, 1, tzinfo=UTC)
EVENTS_A_SECOND, MOST_SECONDS = 16, 30 * 86_400  # the whole stays within that month
EVENTS_A_SESSION, SESSIONS_A_USER = 4.5, 3
OPEN_SESSIONS = 300  # about so many take turns
REPEATED = 0.001
ACTIONS = ("view", "cart", "remove_from_cart", "purchase")
SHARES = (0.94, 0.035, 0.005, 0.02)
BRANDS, CATEGORIES = 80, 300
GROUPS = ("electronics", "appliances", "computers", "furniture", "apparel", "kids", "auto", "sport")
KINDS = ("smartphone", "audio.headphone", "kitchen.refrigerators", "notebook", "shoes", "toys", "video.tv")
IDENTIFYING = ("event_time", "event_type", "product_id", "price", "user_id", "user_session")

Integers = npt.NDArray[np.int64]


def write_rees46(rows: int, files: int, seed: int, out: Path) -> int:
    """Write `rows` rows into `files` files in `out`, in the order of their times; returns how many are distinct."""
    rng = np.random.default_rng(seed)
    table = _table(rows, rng)
    options = csv.WriteOptions(quoting_style="none", quoting_header="none")
    for number in range(files):
        begin, end = rows * number // files, rows * (number + 1) // files
        csv.write_csv(table.slice(begin, end - begin), out / f"2019-Oct-{number + 1:03d}.csv", options)
    distinct: int = table.select(IDENTIFYING).group_by(list(IDENTIFYING)).aggregate([]).num_rows
    return distinct


def _table(rows: int, rng: np.random.Generator) -> pa.Table:
    sessions = int(rows / EVENTS_A_SESSION) + 1
    users = sessions // SESSIONS_A_USER + 1
    turn = np.arange(rows) / EVENTS_A_SESSION + rng.normal(0, OPEN_SESSIONS / 2, rows)
    session = np.clip(turn, 0, sessions - 1).astype(np.int64)
    session_ids = pa.array([str(uuid.UUID(bytes=rng.bytes(16), version=4)) for _ in range(sessions)])
    user_ids = rng.choice(100_000_000, users, replace=False) + 500_000_000
    user = rng.integers(0, users, sessions)[session]
    seconds = np.sort(rng.integers(0, min(rows // EVENTS_A_SECOND + 1, MOST_SECONDS), rows))
    columns = {
        "event_time": _times(seconds),
        "event_type": pa.array(ACTIONS).take(pa.array(rng.choice(len(ACTIONS), rows, p=SHARES))),
        **_products(rows, rng),
        "user_id": pa.array(user_ids[user]).cast(pa.string()),
        "user_session": session_ids.take(pa.array(session)),
    }
    position = np.arange(rows)
    repeated = 1 + np.flatnonzero(rng.random(rows - 1) < REPEATED)
    position[repeated] -= 1
    return pa.table(columns).take(pa.array(position))


def _times(seconds: Integers) -> pa.StringArray:
    moments = pa.array((seconds + int(START.timestamp())) * 1_000_000).cast(pa.timestamp("us"))
    return pc.strftime(moments.cast(pa.timestamp("s")), format="%Y-%m-%d %H:%M:%S UTC")


def _products(rows: int, rng: np.random.Generator) -> dict[str, pa.StringArray]:
    """What a product's row has, which a few products have more often than others."""
    products = max(rows // 100, 100)
    ids = rng.choice(60_000_000, products, replace=False) + 1_000_000
    cents = np.round(np.exp(rng.normal(4.5, 1.2, products)) * 100).astype(np.int64) + 100
    prices = [f"{each // 100}.{each % 100:02d}" for each in cents.tolist()]
    category = rng.integers(0, CATEGORIES, products)
    category_ids = np.sort(rng.choice(10**12, CATEGORIES, replace=False)) + 2_053_013_000_000_000_000
    codes = [_code(number) for number in range(CATEGORIES)]
    brand = np.where(rng.random(products) < 1 / 7, BRANDS, rng.zipf(1.3, products) % BRANDS)
    brands = [*(f"brand{number:02d}" for number in range(BRANDS)), ""]
    chosen = (products * rng.random(rows) ** 2).astype(np.int64)
    of_product = {
        "product_id": pa.array(ids).cast(pa.string()),
        "category_id": pa.array(category_ids[category]).cast(pa.string()),
        "category_code": pa.array(codes).take(pa.array(category)),
        "brand": pa.array(brands).take(pa.array(brand)),
        "price": pa.array(prices),
    }
    return {name: values.take(pa.array(chosen)) for name, values in of_product.items()}


def _code(category: int) -> str:
    """Empty for every third."""
    group, kind = GROUPS[category % len(GROUPS)], KINDS[category % len(KINDS)]
    return "" if category % 3 == 0 else f"{group}.{kind}"
