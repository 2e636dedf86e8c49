"""URLs of databases: read once, checked, and changed in one part.

Belongs here: what a URL may look like, and every change of one. Does not belong here: whose URL it is (`credentials`).

libpq reads a URL, and so do Python's urllib, SQLAlchemy and the JDBC driver, each in its own way where a password holds
a / ? # [ ] @ or % that is not escaped: half of it becomes a host or a port, and is shown as such. So a URL is taken
only where there is one way to read it, and no message repeats any part of it.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote, urlsplit

import psycopg2
from psycopg2.extensions import parse_dsn

from clickstream_assets.errors import SettingsError

IDENTITY_PARAMETERS = {"user", "password", "passfile"}  # they belong to the owner alone
_SHAPE = re.compile(
    r"""(?P<scheme>postgres(?:ql)?)://
        (?:(?P<identity>[^\s/?\#@\[\]]*)@)?
        (?P<address>(?:[^\s/?\#@\[\]]|\[[0-9A-Fa-f:.%]+\])*)
        (?P<path>/[^\s?\#@\[\]]*)?
        (?:\?(?P<query>[^\s\#@]*))?""",
    re.VERBOSE,
)
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ADVICE = (
    "in a name or a password write / as %2F, ? as %3F, # as %23, [ as %5B, ] as %5D, @ as %40, % as %25 and a blank as "
    "%20, or leave the password out and give it in CLICKSTREAM_DATABASE_PASSWORD"
)


def check_url(variable: str, url: str) -> str:
    """`url`, where there is one way to read it.

    Raises:
        SettingsError: there is not. The message names `variable` and holds nothing of the URL.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        raise SettingsError(f"{variable} is no PostgreSQL URL: it must start with postgresql://.")
    if not _has_one_reading(url):
        raise SettingsError(f"{variable} cannot be read as a PostgreSQL URL: {_ADVICE}.")
    return url


def _has_one_reading(url: str) -> bool:
    shape = _SHAPE.fullmatch(url)
    if shape is None or _PERCENT.search(url):
        return False
    try:
        parsed = parse_dsn(url)
        urlsplit(url)
    except (psycopg2.Error, ValueError):
        return False
    ports = [port for port in (parsed.get("port") or "").split(",") if port]
    return all(port.isascii() and port.isdigit() and 0 < int(port) < 65536 for port in ports)


def with_identity(url: str, user: str, password: str) -> str:
    """`url` with another user and password."""
    parts = urlsplit(url)
    _, _, address = parts.netloc.rpartition("@")
    netloc = f"{quote(user, safe='')}:{quote(password, safe='')}@{address}"
    return _url(netloc, parts.path or "/", _without(parts.query, IDENTITY_PARAMETERS))


def with_password(url: str, password: str) -> str:
    """`url` with another password.

    Raises:
        SettingsError: it names no user.
    """
    user = parse_dsn(url).get("user")
    if not user:
        raise SettingsError(
            "CLICKSTREAM_DATABASE_URL names no user, so that the owner's password is of no use: write "
            "postgresql://owner@host/database."
        )
    return with_identity(url, user, password)


def with_database(url: str, database: str) -> str:
    """`url` with another database."""
    parts = urlsplit(url)
    return _url(parts.netloc, "/" + quote(database, safe=""), _without(parts.query, {"dbname"}))


def split_password(url: str) -> tuple[str, str | None]:
    """`url` without its password, fit for argv, and the password."""
    parts = urlsplit(url)
    identity, at, address = parts.netloc.rpartition("@")
    user = identity.partition(":")[0]
    bare = _url(f"{user}{at}{address}", parts.path or "/", _without(parts.query, {"password"}))
    return bare, parse_dsn(url).get("password")


def _url(netloc: str, path: str, query: str) -> str:
    return f"postgresql://{netloc}{path}" + (f"?{query}" if query else "")


def _without(query: str, names: set[str]) -> str:
    """The parameters but `names`, as they are written: to libpq a + is a plus, to urllib a blank."""
    pairs = [pair for pair in query.split("&") if pair]
    return "&".join(pair for pair in pairs if unquote(pair.partition("=")[0]) not in names)
