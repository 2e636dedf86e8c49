"""URLs of databases: read once, checked, and changed in one part.

What a URL may look like, and every change of one. Whose URL it is: `postgres.connections`.

libpq reads a URL, and so do Python's urllib, SQLAlchemy and the JDBC driver, each in its own way where a password holds
a / ? # [ ] @ or % that is not escaped: half of it becomes a host or a port, and is shown as such. So a URL is taken
only where there is one way to read it, and no message repeats any part of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode, urlsplit

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
        addresses(parsed)  # as many ports as hosts
    except (psycopg2.Error, ValueError):
        return False
    ports = [port for port in (parsed.get("port") or "").split(",") if port]
    return all(port.isascii() and port.isdigit() and 0 < int(port) < 65536 for port in ports)


def url_of(parts: Mapping[str, str]) -> str:
    """The URL of what `parse_dsn` has read."""
    rest = dict(parts)
    identity = address = ""
    if "user" in rest:
        words = [quote(rest.pop(name), safe="") for name in ("user", "password") if name in rest]
        identity = ":".join(words) + "@"
    if "/" not in rest.get("host", ""):  # the directory of a socket is a parameter, as SQLAlchemy reads it
        address = ",".join(f"{host}:{port}" if port else host for host, port in addresses(rest))
        rest = {name: value for name, value in rest.items() if name not in ("host", "port")}
    path = quote(rest.pop("dbname", ""), safe="")
    query = urlencode(rest, quote_via=quote)
    return f"postgresql://{identity}{address}/{path}" + (f"?{query}" if query else "")


def addresses(parts: Mapping[str, str]) -> list[tuple[str, str]]:
    """The servers, host and port each; libpq has these in two lists, and one port may serve all."""
    hosts = parts.get("host", "").split(",")
    ports = parts.get("port", "").split(",")
    ports = ports * len(hosts) if len(ports) == 1 else ports
    written = [f"[{quote(host, safe=':')}]" if ":" in host else quote(host, safe="") for host in hosts]
    return list(zip(written, ports, strict=True))


def with_identity(url: str, user: str, password: str) -> str:
    """`url` with another user and password."""
    kept = {name: value for name, value in parse_dsn(url).items() if name not in IDENTITY_PARAMETERS}
    return url_of(kept | {"user": user, "password": password})


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
    return url_of(parse_dsn(url) | {"dbname": database})


def split_password(url: str) -> tuple[str, str | None]:
    """`url` without its password, fit for argv, and the password."""
    parts = parse_dsn(url)
    password = parts.pop("password", None)
    return url_of(parts), password
