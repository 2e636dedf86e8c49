"""Layouts and mappings of files, which the ledger has once each: their ids."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

from clickstream_assets.contract import REPLAY_OF
from clickstream_assets.sql_files import statement
from spark.mapping.source_mapping import SourceMapping
from spark.reading.header import Layout


class Recorded:
    """Those that one session has written or seen.

    They are remembered although the transaction may yet roll back: then the session is not used again, and they are
    forgotten with it.
    """

    def __init__(self) -> None:
        self._layout_ids: dict[Layout, int] = {}
        self._mapping_ids: dict[str, int] = {}
        self._noted: set[tuple[str, int]] = set()

    def forget(self) -> None:
        self._layout_ids.clear()
        self._mapping_ids.clear()
        self._noted.clear()

    def layout_id(self, cursor: Cursor, layout: Layout) -> int:
        if layout not in self._layout_ids:
            values = vars(layout) | {"columns": list(layout.columns)}
            cursor.execute(statement("intake.insert_layout"), values)
            cursor.execute(statement("intake.select_layout"), values)
            self._layout_ids[layout] = _id(cursor)
        return self._layout_ids[layout]

    def mapping_id(self, cursor: Cursor, mapping: SourceMapping) -> int:
        text = mapping.to_json()
        if text not in self._mapping_ids:
            cursor.execute(statement("intake.insert_mapping"), {"mapping": text})
            cursor.execute(statement("intake.select_mapping"), {"mapping": text})
            self._mapping_ids[text] = _id(cursor)
        return self._mapping_ids[text]

    def note_layout(self, cursor: Cursor, source: str, layout: Layout) -> None:
        """Write that files of a source come with this layout; those of `rejects replay` are ours, and say nothing."""
        noted = source, self.layout_id(cursor, layout)
        if noted in self._noted or REPLAY_OF in layout.columns:
            return
        cursor.execute(statement("intake.note_layout"), {"source": source, "layout_id": noted[1]})
        self._noted.add(noted)


def _id(cursor: Cursor) -> int:
    ((found,),) = cursor.fetchall()
    return int(found)
