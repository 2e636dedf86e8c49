"""SQL by hand for strangers' files: the same columns, identity and extra columns as the pipeline makes of them."""

from __future__ import annotations

from benchmarks.place import Place
from benchmarks.statements import statement
from benchmarks.variants.hand import copy_files, reset_ours
from benchmarks.variants.variant import Variant
from clickstream_assets.database import connect

PROMISE = "the same columns, extra and dedup; identity by MD5, cheaper than ours; a bad row ends it"


def _reset(place: Place) -> None:
    reset_ours(place)
    place.run(statement("strangers_staging"))


def _load(place: Place) -> None:
    connection = connect(place.owner_url, "benchmarks")
    try:
        with connection, connection.cursor() as cursor:
            copy_files(cursor, "strangers_copy", "strangers_staging", place.files)
            cursor.execute(statement("strangers_insert"))
    finally:
        connection.close()


SQL = Variant("SQL by hand, our table", PROMISE, _reset, _load, "events")
