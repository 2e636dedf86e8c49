"""Words of producers: what they call the four actions, and what they write for "no value" (`contract`)."""

from clickstream_assets.contract import ACTIONS as ACTIONS
from clickstream_assets.contract import CANONICAL_ACTIONS as CANONICAL_ACTIONS
from clickstream_assets.contract import NULL_TOKENS as NULL_TOKENS
