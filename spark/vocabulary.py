"""Words of producers: what they call the four actions, and what they write for "no value".

Belongs here: words, all in lower case. Does not belong here: names of columns (`header`), and what is done with the
words (`fields`, `cleaning`).
"""

from __future__ import annotations

from collections.abc import Mapping

NULL_TOKENS = ("", "null", "none", "undefined", "(not set)", r"\n")  # lower case; \N is PostgreSQL's own
CANONICAL_ACTIONS = ("view", "add_to_cart", "remove_from_cart", "purchase")

ACTIONS: Mapping[str, str] = {
    "view": "view",
    "product_view": "view",
    "view_item": "view",
    "page_view": "view",
    "pageview": "view",
    "detail": "view",
    "add_to_cart": "add_to_cart",
    "add-to-cart": "add_to_cart",
    "add to cart": "add_to_cart",
    "addtocart": "add_to_cart",
    "cart": "add_to_cart",
    "add": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "remove-from-cart": "remove_from_cart",
    "remove from cart": "remove_from_cart",
    "removefromcart": "remove_from_cart",
    "remove": "remove_from_cart",
    "purchase": "purchase",
    "order": "purchase",
    "transaction": "purchase",
    "buy": "purchase",
    "checkout_completed": "purchase",
}
