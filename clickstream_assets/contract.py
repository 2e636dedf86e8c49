"""What both planes say alike: the fields of an event, the words of producers, the namespace of event ids, and how the
programs end.

Tables and nothing else. The stream (`spark/`) and the audit of values (`values_audit/`) read by them, each with code
of its own.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from enum import IntEnum
from typing import Literal

FIELDS = (
    "event_id",
    "user_id",
    "session_id",
    "action_type",
    "product_id",
    "event_time",
    "price",
    "user_agent",
)
REQUIRED = ("user_id", "session_id", "action_type", "product_id", "event_time")

# Names that other producers use (lower case), besides our own.
ALIASES: Mapping[str, str] = {
    # ids
    "eventid": "event_id",
    "event_uuid": "event_id",
    "uuid": "event_id",
    "message_id": "event_id",
    "messageid": "event_id",
    "insert_id": "event_id",
    "userid": "user_id",
    "user": "user_id",
    "visitorid": "user_id",
    "visitor_id": "user_id",
    "customer_id": "user_id",
    "customerid": "user_id",
    "client_id": "user_id",
    "clientid": "user_id",
    "user_pseudo_id": "user_id",
    "fullvisitorid": "user_id",
    "anonymous_id": "user_id",
    "sessionid": "session_id",
    "session": "session_id",
    "user_session": "session_id",
    "visit_id": "session_id",
    "visitid": "session_id",
    "ga_session_id": "session_id",
    "productid": "product_id",
    "product": "product_id",
    "item_id": "product_id",
    "itemid": "product_id",
    "item": "product_id",
    "sku": "product_id",
    "product_sku": "product_id",
    "productsku": "product_id",
    # what happened, and when
    "action": "action_type",
    "event": "action_type",
    "event_type": "action_type",
    "eventtype": "action_type",
    "event_name": "action_type",
    "type": "action_type",
    "time": "event_time",
    "timestamp": "event_time",
    "event_timestamp": "event_time",
    "eventtime": "event_time",
    "ts": "event_time",
    "datetime": "event_time",
    "created_at": "event_time",
    "occurred_at": "event_time",
    # the rest
    "product_price": "price",
    "unit_price": "price",
    "item_price": "price",
    "useragent": "user_agent",
    "ua": "user_agent",
    "browser_user_agent": "user_agent",
}

# What producers write for "no value", and what they call the four actions: all in lower case. \N is PostgreSQL's own.
NULL_TOKENS = (
    "", "null", "none", "undefined", "(not set)", r"\n", "nan", "n/a", "#n/a", "<na>", "nat", "nil",
)  # fmt: skip
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

# Of the UUIDv5 that an event without a UUID gets.
NAMESPACE = uuid.UUID("6f9c1b52-0d5e-5c7b-9a35-5d1c64f3ab10")


# How rows reach PostgreSQL, and what becomes of rows without an id that are identical.
Sink = Literal["copy", "jdbc"]
IdenticalRows = Literal["merge", "keep"]


class ExitCode(IntEnum):
    """Of all our programs."""

    DONE = 0
    FAILED = 1  # the work failed, or a check did
    TO_BE_MENDED = 2  # nothing was begun: wrong usage or settings, or something is missing or taken
    LEASE_HELD = 3  # of the stream: another one runs


# How the stream's program, and Spark's Python processes, are told the database: an option of Spark would be visible.
STREAM_URL_VARIABLE = "CLICKSTREAM_STREAM_DATABASE_URL"
