"""Who may do what in the database: each row of FORBIDDEN is tried, and must be refused for lack of the right to it.

Guards against a GRANT, a role attribute or a default of PostgreSQL that opens a door. What the roles need to do their
work is tried by all the other tests.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg2
import psycopg2.errors
import pytest
from databases import Database, RunningServer, run_sql
from psycopg2.extensions import parse_dsn

from clickstream_assets.database import connect
from clickstream_assets.database_url import with_database, with_identity
from clickstream_assets.postgres.new_server import OWNER
from clickstream_assets.postgres.roles import DAGSTER_DATABASE, ROLE_NAMES
from clickstream_assets.postgres.schema import setup_dagster_database

EVERYONE = (
    "CREATE ROLE intruder",
    f"ALTER ROLE {OWNER} PASSWORD 'known'",  # its own password every role may change
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    f"GRANT {OWNER} TO CURRENT_USER",
    f"SET ROLE {OWNER}",
    f"SET SESSION AUTHORIZATION {OWNER}",
    "CREATE DATABASE mine",
    "ALTER SYSTEM SET log_statement = 'all'",
    "SET session_replication_role = replica",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_reload_conf()",
    "SELECT lo_import('/etc/passwd')",
    "COPY (SELECT 1) TO '/tmp/clickstream-out'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "CREATE SCHEMA mine",
    "CREATE TABLE public.mine (x int)",
    "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DROP TABLE events",
    "DROP SCHEMA staging CASCADE",
    "ALTER TABLE events ADD COLUMN mine int",
    "ALTER TABLE events DISABLE TRIGGER ALL",
    "ALTER TABLE ingest_files DROP CONSTRAINT ingest_files_pkey CASCADE",
    "ALTER FUNCTION ensure_event_partitions(date[]) SECURITY INVOKER",
    "CREATE INDEX mine ON events (user_id)",
    "TRUNCATE events",
    "DELETE FROM events",
    "UPDATE events SET price = 0",
    "DELETE FROM rejected_events",
    "DELETE FROM ingest_files",
    "TRUNCATE ingest_batches",
    "UPDATE ingest_batches SET rows_read = 0",
    "DELETE FROM stream_lease",
    "UPDATE schema_versions SET version = 99",
)
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "reader": (
        *EVERYONE,
        "INSERT INTO stream_lease (epoch) VALUES (1)",
        "UPDATE stream_lease SET wanted = 'stopped'",
        "INSERT INTO ingest_layouts (columns) VALUES ('{a}')",
        "UPDATE rejected_events SET replayed_at = now()",
        "DELETE FROM hourly_traffic",
        "SELECT nextval('events_id_seq')",
        "SELECT ensure_event_partitions(ARRAY['2026-01-01'::date])",
        "CREATE TABLE staging.mine (x int)",
        "SELECT * FROM staging.finished_parts",
        "SELECT 1; LOCK TABLE events IN ACCESS EXCLUSIVE MODE",
        "COPY events FROM '/etc/passwd'",
    ),
    "writer": (
        *EVERYONE,
        "UPDATE rejected_events SET raw = ''",
        "UPDATE events SET user_id = 'x' WHERE id = 1",
        "INSERT INTO schema_versions VALUES (99)",
        "DROP TABLE staging.finished_parts",
        "TRUNCATE staging.finished_parts",
        "UPDATE user_agents SET user_agent = 'x' FROM pg_authid",
        "SELECT setval('events_id_seq', 1)",
        "SELECT 1; LOCK TABLE events IN ACCESS EXCLUSIVE MODE",
    ),
    "dagster": (
        *EVERYONE,
        "SELECT * FROM events",
        "SELECT * FROM rejected_events",
        "SELECT * FROM ingest_files",
        "SELECT * FROM stream_lease",
        "SELECT * FROM hourly_traffic",
        "INSERT INTO events (event_id) VALUES (gen_random_uuid())",
        "UPDATE stream_lease SET wanted = 'stopped'",
        "SELECT ensure_event_partitions(ARRAY['2026-01-01'::date])",
        "CREATE TABLE staging.mine (x int)",
        "SELECT nextval('events_id_seq')",
    ),
}


@pytest.fixture
def dagster_database(postgres_server: RunningServer) -> Iterator[str]:
    """The URL of Dagster's own database, as its role."""
    setup_dagster_database(postgres_server.url, postgres_server.password)
    url = with_database(postgres_server.url, DAGSTER_DATABASE)
    yield with_identity(url, ROLE_NAMES["dagster"], postgres_server.password)
    run_sql(postgres_server.url, f"DROP DATABASE {DAGSTER_DATABASE} WITH (FORCE)")


@pytest.fixture
def urls(database: Database, dagster_database: str, postgres_server: RunningServer) -> dict[str, str]:
    """Each role's URL of one database with the schema."""
    run_sql(database.owner_url, "SELECT ensure_event_partitions(ARRAY['2026-01-01'::date])")
    dagster = with_identity(database.owner_url, ROLE_NAMES["dagster"], postgres_server.password)
    return {"reader": database.reader_url, "writer": database.writer_url, "dagster": dagster}


@pytest.mark.parametrize("role", list(FORBIDDEN))
def test_what_is_forbidden_is_refused(urls: dict[str, str], role: str) -> None:
    accepted: list[tuple[str, str, str]] = []
    connection = connect(urls[role], "tests", autocommit=True)  # some run in no transaction
    try:
        for statement in FORBIDDEN[role]:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
            except psycopg2.errors.InsufficientPrivilege:
                pass
            except psycopg2.Error as error:
                accepted.append((role, statement, f"refused for another reason: {error}"))
            else:
                accepted.append((role, statement, "accepted"))
    finally:
        connection.close()
    assert accepted == []


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_dagsters_database_is_closed_to_the_roles_of_the_data(
    dagster_database: str, postgres_server: RunningServer, role: str
) -> None:
    url = with_identity(dagster_database, f"clickstream_{role}", postgres_server.password)
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        run_sql(url, "SELECT 1")


def test_dagster_has_its_own_database_to_itself(dagster_database: str) -> None:
    run_sql(dagster_database, "CREATE TABLE runs_of_mine (x int)")


@pytest.mark.parametrize("role", ["reader", "writer", "dagster"])
def test_without_a_password_nobody_gets_in(urls: dict[str, str], role: str) -> None:
    parsed = parse_dsn(urls[role])
    with pytest.raises(psycopg2.OperationalError, match=r"no password supplied"):
        psycopg2.connect(
            host=parsed["host"],
            port=parsed["port"],
            user=parsed["user"],
            dbname=parsed["dbname"],
            passfile="/none",
        )


def test_passwords_are_kept_as_scram_verifiers(urls: dict[str, str], postgres_server: RunningServer) -> None:
    assert urls
    found = run_sql(
        postgres_server.url,
        "SELECT rolname, rolpassword LIKE 'SCRAM-SHA-256$%%' FROM pg_authid "
        "WHERE rolname LIKE 'clickstream\\_%%' AND rolcanlogin ORDER BY 1",
        {},
    )
    assert found == [(name, True) for name in sorted(ROLE_NAMES.values()) if name.startswith("clickstream_")]


@pytest.mark.parametrize("role", ["reader", "writer", "dagster"])
def test_no_role_has_an_attribute_that_makes_it_more(
    postgres_server: RunningServer, urls: dict[str, str], role: str
) -> None:
    assert urls
    (row,) = run_sql(
        postgres_server.url,
        "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, "
        "EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid) FROM pg_roles WHERE rolname = %(name)s",
        {"name": ROLE_NAMES[role]},  # type: ignore[index]
    )
    assert not any(row)
