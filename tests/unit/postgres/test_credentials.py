"""URLs and passwords. Guards against a URL put together by plain text, which breaks on the first `@` in a password."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.extensions import parse_dsn

from clickstream_assets.database_url import split_password, with_database, with_identity
from clickstream_assets.errors import DatabaseError, SettingsError
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.postgres.credentials import Credentials
from clickstream_assets.postgres.roles import ROLE_NAMES
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.program import stream_environment

OWNER_URL = "postgresql://boss:s3cr%40t@db.example:6432/shop?sslmode=verify-full&sslrootcert=%2Fca%20s.pem"
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1)


def settings(home: Path, **env: str) -> Settings:
    return Settings.from_env({"CLICKSTREAM_HOME": str(home), **env})


@given(user=TEXT, password=TEXT, database=TEXT)
def test_libpq_reads_back_whatever_the_user_password_and_database_are(
    user: str, password: str, database: str
) -> None:
    parsed = parse_dsn(with_database(with_identity(OWNER_URL, user, password), database))
    assert (parsed["user"], parsed["password"], parsed["dbname"]) == (user, password, database)
    assert (parsed["host"], parsed["port"]) == ("db.example", "6432")


@given(password=TEXT)
def test_a_url_split_for_argv_holds_no_password_and_loses_nothing(password: str) -> None:
    bare, found = split_password(with_identity(OWNER_URL, "boss", password))
    assert found == password
    assert parse_dsn(bare) == {
        "user": "boss",
        "host": "db.example",
        "port": "6432",
        "dbname": "shop",
        "sslmode": "verify-full",
        "sslrootcert": "/ca s.pem",
    }


SECRET = "s3cret"
UNREADABLE = [
    *(f"postgresql://boss:half{mark}{SECRET}@db.example:5432/shop" for mark in "/?#[]@% \n"),
    *(f"postgresql://boss:{SECRET}{mark}@db.example:5432/shop" for mark in "/?#[]@%"),
    f"postgresql://boss:{SECRET}[x]@db.example/shop",
    f"postgresql://boss:12/{SECRET}@db.example/shop",  # to libpq: host boss, port 12
    f"postgresql://boss:{SECRET}%zz@db.example/shop",
    f"postgresql://boss:{SECRET}@db.example:99999/shop",
    f"postgresql://boss:{SECRET}@db.example:port/shop",
    f"postgresql://boss:{SECRET}@[::1/shop",
    f"postgresql://boss:{SECRET}@db.example/shop?no_such_parameter=1",
    f"postgresql://boss:{SECRET}@/shop?host=a,b&port=1,2,3",
    f"{SECRET}://db.example/shop",
]


@pytest.mark.parametrize("variable", ["CLICKSTREAM_DATABASE_URL", "CLICKSTREAM_DAGSTER_DATABASE_URL"])
@pytest.mark.parametrize("url", UNREADABLE)
def test_a_url_that_can_be_read_in_two_ways_is_one_sentence_without_any_part_of_it(
    tmp_path: Path, url: str, variable: str
) -> None:
    """A password with a / was once half shown as a port, and setup-db and status read the same URL differently."""
    with pytest.raises(SettingsError, match=f"^{variable} ") as caught:
        settings(tmp_path, **{variable: url})
    told = str(caught.value)
    assert not any(part in told for part in (SECRET, "half", "boss", "db.example", "shop", "99999"))
    assert told.endswith(".")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://boss:a:b@db.example/shop",
        "postgresql://boss@h1:5432,h2:5433/shop?target_session_attrs=read-write",
        "postgresql://boss:x@[fe80::1]:5432/shop",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/shop?user=boss",
        "postgresql:///shop?host=/var/run/postgresql&user=boss",
        "postgres://boss:p%2F%3F%23%5B%5D%40%25@db.example/shop?sslrootcert=/etc/a+b.pem&options=-c%20geqo%3Doff",
    ],
)
def test_every_change_of_a_url_leaves_the_rest_as_libpq_reads_it(tmp_path: Path, url: str) -> None:
    checked = settings(tmp_path, CLICKSTREAM_DATABASE_URL=url).database_url
    assert checked is not None
    assert checked.get_secret_value() == url
    before = parse_dsn(url)
    assert parse_dsn(with_database(url, "other")) == before | {"dbname": "other"}
    assert parse_dsn(with_identity(url, "u", "p")) == before | {"user": "u", "password": "p"}
    bare, password = split_password(url)
    assert password == before.pop("password", None)
    assert parse_dsn(bare) == before


@pytest.mark.parametrize("role", ["writer", "reader"])
def test_a_role_keeps_host_database_and_encryption_of_the_owners_url(tmp_path: Path, role: str) -> None:
    parsed = parse_dsn(Connections(settings(tmp_path, CLICKSTREAM_DATABASE_URL=OWNER_URL)).url(role))  # type: ignore[arg-type]
    assert parsed.pop("password") not in ("s3cr@t", "")
    assert parsed == {
        "user": f"clickstream_{role}",
        "host": "db.example",
        "port": "6432",
        "dbname": "shop",
        "sslmode": "verify-full",
        "sslrootcert": "/ca s.pem",
    }


def test_the_owners_url_is_taken_as_it_is(tmp_path: Path) -> None:
    assert Connections(settings(tmp_path, CLICKSTREAM_DATABASE_URL=OWNER_URL)).url("owner") == OWNER_URL


def test_a_role_does_not_inherit_the_owners_name_and_password_from_the_parameters(tmp_path: Path) -> None:
    url = "postgresql://db.example/shop?user=boss&password=s3cret&connect_timeout=3"
    parsed = parse_dsn(Connections(settings(tmp_path, CLICKSTREAM_DATABASE_URL=url)).url("reader"))
    assert parsed["user"] == "clickstream_reader"
    assert parsed["password"] != "s3cret"
    assert parsed["connect_timeout"] == "3"


def test_several_hosts_and_an_ipv6_address_stay_as_they_are() -> None:
    parsed = parse_dsn(with_identity("postgresql://o:p@[::1]:5432,b:5433/shop", "u", "p@"))
    assert (parsed["host"], parsed["port"]) == ("::1,b", "5432,5433")


def test_dagster_gets_a_database_of_its_own_on_the_same_server(tmp_path: Path) -> None:
    parsed = parse_dsn(Connections(settings(tmp_path, CLICKSTREAM_DATABASE_URL=OWNER_URL)).url("dagster"))
    assert (parsed["user"], parsed["dbname"], parsed["sslmode"]) == (
        "clickstream_dagster",
        "dagster",
        "verify-full",
    )


def test_dagsters_own_url_wins(tmp_path: Path) -> None:
    given = settings(
        tmp_path,
        CLICKSTREAM_DATABASE_URL=OWNER_URL,
        CLICKSTREAM_DAGSTER_DATABASE_URL="postgresql://d:d@else/where",
    )
    assert Connections(given).url("dagster") == "postgresql://d:d@else/where"


def test_passwords_are_made_once_and_readable_by_their_owner_alone(tmp_path: Path) -> None:
    first = Credentials(settings(tmp_path)).password("reader")
    assert len(first) >= 24
    assert Credentials(settings(tmp_path)).password("reader") == first
    assert Credentials(settings(tmp_path)).password("writer") != first
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


def test_programs_that_start_at_once_agree_on_the_passwords(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: Credentials(settings(tmp_path)).password("owner"), range(16)))
    assert len(found) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["credentials.json"]


def test_a_password_of_the_environment_wins(tmp_path: Path) -> None:
    given = settings(tmp_path, CLICKSTREAM_WRITER_PASSWORD="chosen")
    assert Credentials(given).password("writer") == "chosen"
    assert not (tmp_path / "credentials.json").exists()


def test_a_password_may_come_from_a_file(tmp_path: Path) -> None:
    given = {"CLICKSTREAM_DATABASE_URL": "postgresql://boss@db.example/shop?sslmode=require"}
    for role in ROLE_NAMES:
        (tmp_path / role).write_text(f"{role}: p@ss word\r\n")
        name = "DATABASE" if role == "owner" else role.upper()
        given[f"CLICKSTREAM_{name}_PASSWORD_FILE"] = str(tmp_path / role)
    found = settings(tmp_path, **given)
    for role, user in {
        "owner": "boss",
        "writer": "clickstream_writer",
        "dagster": "clickstream_dagster",
    }.items():
        parsed = parse_dsn(Connections(found).url(role))  # type: ignore[arg-type]
        assert (parsed["user"], parsed["password"]) == (user, f"{role}: p@ss word")
        assert parsed["sslmode"] == "require"
    assert not (tmp_path / "credentials.json").exists()


def test_a_service_that_knows_no_owner_makes_urls_of_the_other_roles(tmp_path: Path) -> None:
    given = settings(
        tmp_path, CLICKSTREAM_READER_PASSWORD="r", CLICKSTREAM_DATABASE_URL="postgresql://db:5432/shop"
    )
    assert Connections(given).url("reader") == "postgresql://clickstream_reader:r@db:5432/shop"


def test_an_owners_password_without_an_owner_is_one_sentence(tmp_path: Path) -> None:
    given = settings(
        tmp_path, CLICKSTREAM_DATABASE_PASSWORD="s3cret", CLICKSTREAM_DATABASE_URL="postgresql://db/shop"
    )
    with pytest.raises(SettingsError, match="names no user") as caught:
        Connections(given).url("owner")
    assert "s3cret" not in str(caught.value)


def test_the_embedded_servers_owner_keeps_the_password_that_it_was_made_with(tmp_path: Path) -> None:
    given = settings(tmp_path, CLICKSTREAM_DATABASE_PASSWORD="another")
    assert Credentials(given).password("owner") != "another"


def test_the_stream_is_not_told_what_or_where_the_passwords_of_others_are(tmp_path: Path) -> None:
    secrets = (
        "DATABASE_PASSWORD",
        "WRITER_PASSWORD",
        "DATABASE_URL",
        "DAGSTER_DATABASE_URL",
        "ALERT_WEBHOOK_URL",
    )
    given = {f"CLICKSTREAM_{name}{suffix}": "s3cret" for name in secrets for suffix in ("", "_FILE")}
    given |= {"PGPASSFILE": "s3cret", "PGPASSWORD": "s3cret", "CLICKSTREAM_SINK": "jdbc"}
    found = settings(
        tmp_path, CLICKSTREAM_WRITER_PASSWORD="w", CLICKSTREAM_DATABASE_URL="postgresql://db/shop"
    )
    environment = stream_environment(Connections(found), given)
    assert "s3cret" not in environment.values()
    assert environment["CLICKSTREAM_SINK"] == "jdbc"
    assert environment["CLICKSTREAM_STREAM_DATABASE_URL"] == "postgresql://clickstream_writer:w@db/shop"


def test_a_damaged_credentials_file_is_one_sentence_without_its_content(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text('{"owner": "s3cret", "read')
    with pytest.raises(SettingsError, match=r"credentials\.json holds no password for 'reader'") as caught:
        Credentials(settings(tmp_path)).password("reader")
    assert "s3cret" not in str(caught.value)


def test_before_the_first_start_there_is_no_url(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="there is no database yet"):
        Connections(settings(tmp_path)).url("reader")


def test_the_file_of_passwords_is_read_once_for_all_sessions_of_a_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    original = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, *a, **k: (read.append(path.name), original(path, *a, **k))[1]
    )
    connections = Connections(settings(tmp_path, CLICKSTREAM_DATABASE_URL=OWNER_URL))
    for role in ("owner", "writer", "reader", "dagster", "reader"):
        connections.url(role)  # type: ignore[arg-type]
    assert read == ["credentials.json"]


def test_after_a_session_that_could_not_be_opened_everything_is_looked_for_anew(tmp_path: Path) -> None:
    """The embedded server had another port after a start, and a program that ran on never found it."""
    (tmp_path / "postgres").mkdir()
    port = tmp_path / "postgres" / "port"
    port.write_text("1\n")
    connections = Connections(settings(tmp_path))
    before = connections.url("reader")
    port.write_text("2\n")
    assert connections.url("reader") == before
    with pytest.raises(psycopg2.OperationalError), connections.open("reader"):
        pass
    assert parse_dsn(connections.url("reader")) == parse_dsn(before) | {"port": "2"}


def test_a_server_of_a_socket_stays_a_parameter_as_sqlalchemy_reads_it() -> None:
    url = with_identity("postgresql://o@%2Fvar%2Frun%2Fpg:5433/shop?sslmode=disable", "u", "p")
    assert url == "postgresql://u:p@/shop?host=%2Fvar%2Frun%2Fpg&port=5433&sslmode=disable"
