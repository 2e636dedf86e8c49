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
# The values that make the id of an event that brings none. A change would give stored events other ids.
IDENTITY = ("user_id", "session_id", "action_type", "product_id", "event_time", "price", "user_agent")
REQUIRED = ("user_id", "session_id", "action_type", "product_id", "event_time")

# Names that other producers use (lower case), besides our own. To be added to only with required fields in mind: a
# file that has been read has its other columns in `extra`; what is new goes to WIDER_ALIASES.
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

# Names of wide-spread exports that say less clearly what they are: invoices of Online Retail, Shopify, GA4 in BigQuery,
# Segment, Snowplow, Matomo, Mixpanel, Taobao, Diginetica, H&M, OTTO. They count only in a header that lacks a required
# field without them, so that no file that was read before is read otherwise.
WIDER_ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("$insert_id", "hit_id"), "event_id"),
    **dict.fromkeys(
        (
            "domain_userid", "network_userid", "idvisitor", "distinct_id", "mcvisid", "visid", "device_id", "cookie_id",
            "member_id", "account_id", "shopper_id", "buyer_id", "household_key", "email", "customer_email", "uid",
            "customer", "visitor", "shopper",
        ),
        "user_id",
    ),
    **dict.fromkeys(
        (
            "domain_sessionid", "context_session_id", "idvisit", "$session_id", "visit", "invoice_no", "invoice",
            "basket_id",
        ),
        "session_id",
    ),
    **dict.fromkeys(
        (
            "behavior", "behavior_type", "behaviour", "behaviour_type", "event_action", "action_name", "interaction",
            "interaction_type", "activity", "se_action", "ecommerce_action",
        ),
        "action_type",
    ),
    **dict.fromkeys(
        (
            "stock_code", "article_id", "article", "asin", "aid", "goods_id", "product_code", "item_sku", "ti_sku",
            "lineitem_sku", "line_item_sku", "items_item_id", "properties_product_id", "properties_sku", "content_id",
            "variant_id", "offer_id",
        ),
        "product_id",
    ),
    **dict.fromkeys(
        (
            "invoice_date", "event_ts", "event_datetime", "date_time", "derived_tstamp", "collector_tstamp",
            "dvce_created_tstamp", "server_time", "server_timestamp", "received_at", "sent_at", "original_timestamp",
            "hit_time_gmt", "visit_start_time", "unix_time", "epoch", "epoch_ms", "timestamp_ms", "timestamp_micros",
            "log_time", "logged_at", "date_created", "order_date", "order_purchase_timestamp", "transaction_date",
            "purchase_date", "t_dat", "event_date", "date",
        ),
        "event_time",
    ),
    **dict.fromkeys(
        ("lineitem_price", "line_item_price", "ti_price", "items_price", "properties_price", "sale_price"), "price"
    ),
    **dict.fromkeys(("context_user_agent", "http_user_agent", "device_user_agent", "br_useragent"), "user_agent"),
}  # fmt: skip

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
    "pv": "view",
    "view_product": "view",
    "product viewed": "view",
    "product_viewed": "view",
    "viewed product": "view",
    "add_to_cart": "add_to_cart",
    "add-to-cart": "add_to_cart",
    "add to cart": "add_to_cart",
    "addtocart": "add_to_cart",
    "cart": "add_to_cart",
    "add": "add_to_cart",
    "product added": "add_to_cart",
    "product_added": "add_to_cart",
    "product_added_to_cart": "add_to_cart",
    "added to cart": "add_to_cart",
    "added_to_cart": "add_to_cart",
    "remove_from_cart": "remove_from_cart",
    "remove-from-cart": "remove_from_cart",
    "remove from cart": "remove_from_cart",
    "removefromcart": "remove_from_cart",
    "remove": "remove_from_cart",
    "product removed": "remove_from_cart",
    "product_removed": "remove_from_cart",
    "product_removed_from_cart": "remove_from_cart",
    "removed from cart": "remove_from_cart",
    "removed_from_cart": "remove_from_cart",
    "purchase": "purchase",
    "order": "purchase",
    "transaction": "purchase",
    "buy": "purchase",
    "checkout_completed": "purchase",
    "purchased": "purchase",
    "order completed": "purchase",
    "order_completed": "purchase",
    "placed order": "purchase",
    "placed_order": "purchase",
}

# The first column of a file that `rejects replay` writes: "file_id:line_no" of the original.
REPLAY_OF = "replay_of"

# Of the UUIDv5 that an event without a UUID gets.
NAMESPACE = uuid.UUID("6f9c1b52-0d5e-5c7b-9a35-5d1c64f3ab10")


# How rows reach PostgreSQL, and what becomes of rows without an id that are identical.
# The source that the events directory is.
DEFAULT_SOURCE = "default"

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
