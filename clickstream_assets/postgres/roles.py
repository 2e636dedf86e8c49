"""The roles of the database, and what they and the databases are called."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from clickstream_assets.postgres.new_server import OWNER
from clickstream_assets.settings import ROLE_PREFIX, Settings

Role = Literal["owner", "writer", "reader", "dagster"]
DATABASE = "clickstream"
DAGSTER_DATABASE = "dagster"


def role_names(prefix: str) -> Mapping[Role, str]:
    """The names of the roles in the server, which has one of each name for all its databases."""
    return {
        "owner": OWNER,  # of the embedded server; an external one has the owner of its URL
        "writer": f"{prefix}_writer",
        "reader": f"{prefix}_reader",
        "dagster": f"{prefix}_dagster",
    }


ROLE_NAMES = role_names(ROLE_PREFIX)


def dagster_database(settings: Settings) -> str:
    """The name of Dagster's database on the same server: each installation has its own, as it has its roles."""
    return DAGSTER_DATABASE if settings.role_prefix == ROLE_PREFIX else f"{settings.role_prefix}_dagster"
