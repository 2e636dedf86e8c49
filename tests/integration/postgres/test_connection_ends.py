"""Both ends of a connection notice that the other one has vanished. Guards the lock of a stream that was cut off: the
system's own limits would keep it for hours, and the stream waiting for an answer for a quarter of an hour."""

from __future__ import annotations

from databases import Database

from clickstream_assets.database import VANISHED_AFTER, connect


def test_both_ends_notice_within_seconds_that_the_other_has_vanished(database: Database) -> None:
    connection = connect(database.writer_url, "tests", autocommit=True)
    try:
        with connection.cursor() as cursor:
            limits = {}
            for name in ("idle", "interval", "count"):
                cursor.execute(f"SHOW tcp_keepalives_{name}")
                (value,) = cursor.fetchone() or ("",)
                limits[name] = int(value)
        given = connection.info.dsn_parameters
    finally:
        connection.close()
    assert limits["idle"] + limits["interval"] * limits["count"] <= VANISHED_AFTER
    ours = {name: int(given[f"keepalives_{name}"]) for name in limits}
    assert ours == limits
    assert int(given["tcp_user_timeout"]) == VANISHED_AFTER * 1000
