"""The bytes of prices: PostgreSQL reads the number that the text says, with as many decimals."""

from __future__ import annotations

import io
import struct

import pyarrow as pa
from databases import Database
from hostile_values import prices
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection

from clickstream_assets.database import connect
from spark.cleaning.prices import as_numeric, read_prices
from spark.handover.encoding import HEADER, TRAILER
from spark.mapping.source_mapping import PriceFormat

EDGES = [
    "0", "0.0", "0.0000000000", "1", "9999", "10000", "10001", "99999999", "100000000", "999999999999999", "0.1",
    "0.0001",
    "0.00001", "0.0000000001", "0.1000000000", "1.0000", "10000.0000", "10000.0001", "123456789012345.0123456789",
    "999999999999999.9999999999", "100000000000000.0000000001", "5.50", "5.5",
    "1000000000000", "1234.5678", "0.00010000",
]  # fmt: skip


def read_back(connection: Connection, numbers: pa.StringArray) -> list[str]:
    """What PostgreSQL shows of the bytes."""
    rows = b"".join(
        struct.pack(">hiqi", 2, 8, at, len(value)) + value
        for at, value in enumerate(as_numeric(numbers).to_pylist())
    )
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMP TABLE IF NOT EXISTS prices (at bigint, price numeric)")
        cursor.execute("TRUNCATE prices")
        cursor.copy_expert("COPY prices FROM STDIN (FORMAT binary)", io.BytesIO(HEADER + rows + TRAILER))
        cursor.execute("SELECT price::text FROM prices ORDER BY at")
        return [text for (text,) in cursor.fetchall()]


def shown(connection: Connection, texts: list[str]) -> list[str]:
    """What PostgreSQL shows of the texts."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n::text FROM unnest(%s::text[]::numeric[]) WITH ORDINALITY AS t (n, at) ORDER BY at",
            [texts],
        )
        return [text for (text,) in cursor.fetchall()]


def test_numbers_at_the_edges_of_postgres_digits_arrive_as_their_text(database: Database) -> None:
    connection = connect(database.reader_url, "tests")
    try:
        assert read_back(connection, pa.array(EDGES)) == shown(connection, EDGES) == EDGES
        assert read_back(connection, pa.array(["7", *EDGES])[1:]) == EDGES
    finally:
        connection.close()


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(prices(".", ""), min_size=20, max_size=80))
def test_whatever_price_is_read_arrives_as_its_text(database: Database, texts: list[str]) -> None:
    numbers, _ = read_prices(pa.array(texts, pa.string()), PriceFormat())
    good = numbers.drop_null()
    connection = connect(database.reader_url, "tests")
    try:
        assert read_back(connection, good) == shown(connection, good.to_pylist()) == good.to_pylist()
    finally:
        connection.close()
