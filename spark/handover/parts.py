"""What a task reports of the rows that it handed over: a part of a micro-batch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream_assets.errors import StreamError
from spark.cleaning.cleaned import Cleaned
from spark.reading.flags import Flag


class RowsLost(StreamError):
    """Rows are missing, or too many, between Spark and PostgreSQL."""


@dataclass
class Part:
    """The work of one attempt of one task. Counts are rows, by file_id."""

    index: int  # of the task, in the order of the files
    token: str  # of the attempt
    batch_id: int | None  # that the rows carry; None: they carry none
    events: dict[int, int] = field(default_factory=dict)
    rejects: dict[int, int] = field(default_factory=dict)
    void_files: dict[int, str] = field(default_factory=dict)  # not what intake saw: the reason
    months: list[str] = field(default_factory=list)  # of event times, by their first day
    min_event_us: int | None = None
    max_event_us: int | None = None

    @property
    def event_rows(self) -> int:
        return sum(self.events.values())

    @property
    def reject_rows(self) -> int:
        return sum(self.rejects.values())

    def count(self, cleaned: Cleaned) -> None:
        """Enter rows, of whichever files."""
        for counts, rows in ((self.events, cleaned.events), (self.rejects, cleaned.rejects)):
            file_ids, numbers = np.unique(rows["file_id"].to_numpy(), return_counts=True)
            for file_id, number in zip(file_ids.tolist(), numbers.tolist(), strict=True):
                counts[file_id] = counts.get(file_id, 0) + number
        if len(cleaned.events):
            times = cleaned.events["event_time"].cast(pa.int64())
            bounds = pc.min_max(times)
            low, high = bounds["min"].as_py(), bounds["max"].as_py()
            self.min_event_us = low if self.min_event_us is None else min(low, self.min_event_us)
            self.max_event_us = high if self.max_event_us is None else max(high, self.max_event_us)
            self.months = sorted({*self.months, *months_of(times)})

    def void(self, file_id: int, flag: Flag) -> None:
        """Note that the file is not what intake saw: none of its rows count."""
        self.void_files[file_id] = flag.name.lower()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Part:
        values = json.loads(text)
        for name in ("events", "rejects", "void_files"):
            values[name] = {int(key): value for key, value in values[name].items()}
        return cls(**values)


def months_of(micros: pa.Int64Array) -> set[str]:
    """The first days of the months, in UTC, of instants in microseconds since 1970."""
    months = np.unique(micros.to_numpy().astype("datetime64[us]").astype("datetime64[M]"))
    return {f"{month}-01" for month in months}
