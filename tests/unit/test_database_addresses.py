"""The database's URL as others read it: Spark's JDBC writer, and Dagster's storage.

Guards against a `sslmode` that gets lost on the way, after which everything works, in the clear.
"""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import create_engine

from clickstream_assets.errors import SettingsError
from spark.sink.jdbc import jdbc_options

TLS = "sslmode=verify-full&sslrootcert=%2Fetc%2Fca%20of%20ours%2Broot.pem"
URL = f"postgresql://clickstream_writer:p%40ss@db.example:6432/click%20stream?{TLS}"


def test_spark_gets_the_encryption_of_the_url_and_no_password_in_its_own() -> None:
    options = jdbc_options(URL)
    scheme, address = options["url"].split(":", 1)
    parts = urlsplit(address)
    assert (scheme, parts.scheme, parts.netloc, parts.path) == (
        "jdbc",
        "postgresql",
        "db.example:6432",
        "/click%20stream",
    )
    parameters = parse_qs(parts.query)
    assert parameters["sslmode"] == ["verify-full"]
    assert parameters["sslrootcert"] == ["/etc/ca of ours+root.pem"]
    assert (options["user"], options["password"]) == ("clickstream_writer", "p@ss")


@pytest.mark.parametrize(
    ("netloc", "expected"),
    [("a,b:6000", "a:5432,b:6000"), ("[::1]:6000", "[::1]:6000"), ("a", "a:5432"), ("a:1,b:2", "a:1,b:2")],
)
def test_spark_gets_every_server_of_the_url(netloc: str, expected: str) -> None:
    assert urlsplit(jdbc_options(f"postgresql://w:p@{netloc}/shop")["url"][5:]).netloc == expected


@pytest.mark.parametrize(
    ("attributes", "expected"), [("", None), ("any", None), ("read-write", "primary"), ("primary", "primary")]
)
def test_of_several_servers_spark_takes_the_one_that_can_be_written(
    attributes: str, expected: str | None
) -> None:
    url = f"postgresql://w:p@a,b/shop?target_session_attrs={attributes}"
    parameters = parse_qs(urlsplit(jdbc_options(url)["url"][5:]).query)
    assert parameters.get("targetServerType") == ([expected] if expected else None)


def test_dagsters_storage_gets_them_too() -> None:
    engine = create_engine(URL + "&tcp_user_timeout=15000")
    _, given = engine.dialect.create_connect_args(engine.url)
    assert given["sslmode"] == "verify-full"
    assert given["sslrootcert"] == "/etc/ca of ours+root.pem"
    assert given["tcp_user_timeout"] == "15000"


@pytest.mark.parametrize(
    "url", ["postgresql:///?service=shop", "postgresql://w:pw@/shop", "postgresql://w:pw@db/"]
)
def test_an_address_that_only_libpq_can_find_is_refused_for_java(url: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^the jdbc sink needs a URL that names the host and the database"
    ) as refused:
        jdbc_options(url)
    assert "pw" not in str(refused.value)


def test_java_gets_the_encryption_that_variables_of_libpq_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    monkeypatch.setenv("PGSSLROOTCERT", "/etc/ca.pem")
    found = jdbc_options("postgresql://w:pw@db/shop")["url"]
    assert "sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem" in found
    assert "sslmode=require" in jdbc_options("postgresql://w:pw@db/shop?sslmode=require")["url"], (
        "the URL says it first"
    )
