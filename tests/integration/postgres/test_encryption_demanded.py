"""A URL that demands encryption, and a server that has none: every way to the database must refuse.

The embedded server has no TLS, so that a connection that comes about proves that `sslmode` was dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg2
import pytest
from databases import Database
from sqlalchemy import create_engine
from sqlalchemy.exc import OperationalError
from stream_pipeline import needs_jdbc

from clickstream_assets.database import connect
from spark.sink.jdbc import jdbc_options

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.parametrize("mode", ["require", "verify-full"])
def test_our_own_connections_refuse(database: Database, mode: str) -> None:
    with pytest.raises(psycopg2.OperationalError, match=r"does not support SSL|root certificate"):
        connect(f"{database.reader_url}?sslmode={mode}", "tests")


def test_dagsters_storage_refuses(database: Database) -> None:
    engine = create_engine(f"{database.reader_url}?sslmode=require")
    try:
        with pytest.raises(OperationalError, match="does not support SSL"):
            engine.connect()
    finally:
        engine.dispose()


@pytest.mark.spark
@pytest.mark.jdbc
@needs_jdbc
def test_sparks_jdbc_writer_refuses(spark: SparkSession, database: Database) -> None:
    options = jdbc_options(f"{database.writer_url}?sslmode=require")
    rows = spark.createDataFrame([(1,)], "version int")
    with pytest.raises(Exception, match="does not support SSL"):
        rows.write.format("jdbc").options(**options, dbtable="schema_versions").mode("append").save()
