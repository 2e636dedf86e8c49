"""Parts of texts in `[fields]` of a source mapping, taken in this order:

product_id = { column = "products", split = ";", part = 2 }   # of the parts between these the second; -1: the last
product_id = { column = "url", query = "sku" }                # a parameter of a URL
product_id = { column = "url", after = "/product/", before = ["/", "?"] }   # what stands between these
user_agent = { column = "agent", decode = "percent" }         # %20 is a blank
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spark.mapping.sources import Excerpt, Source
from spark.mapping.tables import Place

EXCERPT = ("split", "part", "query", "after", "before", "decode")


def read_excerpt(of: Source, value: Mapping[str, Any], place: Place) -> Excerpt:
    """Raises: SettingsError: something means nothing."""
    for key in ("split", "query", "after"):
        if key in value and not (isinstance(value[key], str) and value[key]):
            place.refuse(f"{key} is {value[key]!r}: give a text that is not empty.")
    part = value.get("part", 0)
    if ("split" in value) != ("part" in value):
        place.refuse('split and part go together, like split = ";", part = 2.')
    if "split" in value and (isinstance(part, bool) or not isinstance(part, int) or not part):
        place.refuse(f"part is {part!r}: give a number from 1 on, or -1 for the last part.")
    ends = value.get("before", [])
    ends = [ends] if isinstance(ends, str) else ends
    if not isinstance(ends, list) or not all(isinstance(end, str) and end for end in ends):
        place.refuse('before takes a text or a list of texts, like before = ["/", "?"].')
    if value.get("decode", "percent") != "percent":
        place.refuse(f'decode is {value["decode"]!r}: "percent" is all that it can say.')
    return Excerpt(
        of, value.get("split"), part, value.get("query"), value.get("after"), tuple(ends), "decode" in value
    )
