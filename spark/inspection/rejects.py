"""How many records of an inspected file would be rejects: a look ahead with the code that the tasks run."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

import pyarrow.compute as pc

from spark.cleaning.time_bounds import TimeBounds
from spark.content.errors import ContentChanged
from spark.inspection.inspection import Inspection
from spark.mapping.source_mapping import SourceMapping
from spark.reading.flags import Flag
from spark.source.chunk_reader import read_chunk
from spark.source.chunks import ChunkToRead


def count_rejects(
    inspection: Inspection, path: bytes, ledger_path: bytes, mapping: SourceMapping, now: datetime
) -> Counter[str]:
    """Rejects by reason. `path` is where the file is, `ledger_path` where it is in the directory of its source.

    Raises:
        ContentChanged: the file is another one by now.
    """
    found: Counter[str] = Counter()
    assert inspection.layout is not None  # noqa: S101 - it has records
    for chunk in inspection.chunks:
        to_read = ChunkToRead(
            seq=0,
            file_id=0,
            path=ledger_path,
            state=inspection.state,
            compression=inspection.compression,
            layout=inspection.layout,
            mapping=mapping.to_json(),
            bounds=TimeBounds.at(now, None, None),
            byte_offset=chunk.byte_offset,
            byte_length=chunk.byte_length,
            first_line=chunk.first_line,
            records_from=inspection.header_bytes,
        )
        for cleaned in read_chunk(path, to_read):
            if isinstance(cleaned, Flag):
                raise ContentChanged("written to while its rejects were counted")
            for item in pc.value_counts(cleaned.rejects["reason"]).to_pylist():
                found[item["values"]] += item["counts"]
    return found
