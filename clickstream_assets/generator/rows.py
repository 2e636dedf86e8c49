"""Events as lines of CSV, a column at a time, in Arrow.

The header, and how each field is written. Damaged rows are in `faults`.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream_assets.generator.catalogue import Catalogue
from clickstream_assets.generator.people import People
from clickstream_assets.generator.sessions import ACTIONS
from clickstream_assets.generator.spec import Ids

HEADER = b"event_id,user_id,session_id,action_type,product_id,event_time,price,user_agent\n"

_DAY = 86_400_000  # ms
_HEX = np.array([f"{byte:02x}" for byte in range(256)], "S2").view(np.uint16)
_ACTIONS = pa.array(ACTIONS, pa.binary())
# "00:00:00" to "23:59:59", each as one number of eight bytes.
_SECONDS = (
    np.datetime_as_string(np.arange(86_400).astype("datetime64[s]")).astype("S19").view("S1").reshape(-1, 19)
)[:, 11:]
_SECONDS = np.ascontiguousarray(_SECONDS).view("u8").ravel()
_MILLIS = np.array([f".{ms:03d}Z" for ms in range(1000)], "S5")


class RowWriter:
    """Writes events of one shop as lines, each ended by a newline."""

    def __init__(self, catalogue: Catalogue, people: People, ids: Ids) -> None:
        self._catalogue = catalogue
        self._people = people
        self._ids = ids
        self._agents = pa.array([f"{quoted(agent)}\n".encode() for agent in people.agents], pa.binary())

    def lines(self, rng: np.random.Generator, events: np.ndarray) -> pa.BinaryArray:
        """One line an event. Events without a price leave the field empty."""
        product = pa.array(events["product"])
        times = np.ascontiguousarray(events["time"])
        return pc.binary_join_element_wise(
            _fixed_width(event_ids(rng, times, self._ids)),
            self._people.ids.take(pa.array(events["user"])),
            _fixed_width(_hex(events["session"].astype(">u8").view(np.uint8).reshape(-1, 8))),
            _ACTIONS.take(pa.array(events["action"])),
            self._catalogue.ids.take(product),
            _fixed_width(iso_times(times)),
            self._catalogue.prices.take(product),
            self._agents.take(pa.array(events["agent"])),
            pa.scalar(b","),
        )


def text_of(lines: pa.BinaryArray) -> memoryview:
    """The bytes of some lines, one after the other, without a copy."""
    _, offsets, data = lines.buffers()
    borders = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(data)[borders[0] : borders[-1]]


def quoted(text: str) -> str:
    """A CSV field, in quotes where it needs them."""
    if any(mark in text for mark in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


def event_ids(rng: np.random.Generator, times: np.ndarray, ids: Ids) -> np.ndarray:
    """UUIDs as text, one row of 36 bytes each: version 4, or version 7 of the times (ms)."""
    raw = np.frombuffer(bytearray(rng.bytes(16 * len(times))), np.uint8).reshape(-1, 16)
    version = 0x40
    if ids == "time-ordered":
        version = 0x70
        raw[:, :6] = times.astype(">u8").view(np.uint8).reshape(-1, 8)[:, 2:]
    raw[:, 6] = raw[:, 6] & 0x0F | version
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = _hex(raw)
    text = np.full((len(times), 36), ord("-"), np.uint8)
    for at, begin, end in ((0, 0, 8), (9, 8, 12), (14, 12, 16), (19, 16, 20), (24, 20, 32)):
        text[:, at : at + end - begin] = digits[:, begin:end]
    return text


def iso_times(times: np.ndarray) -> np.ndarray:
    """Times in ms since 1970 as `2025-01-31T23:59:59.999Z`, one row of 24 bytes each."""
    days, of_day = np.divmod(times, _DAY)
    text = np.empty((len(times), 24), np.uint8)
    distinct, which = np.unique(days, return_inverse=True)
    dates = np.datetime_as_string(distinct.astype("datetime64[D]")).astype("S10")
    text[:, :10] = _bytes(dates)[which]
    text[:, 10] = ord("T")
    text[:, 11:19] = _SECONDS[of_day // 1000].view(np.uint8).reshape(-1, 8)
    text[:, 19:] = _bytes(_MILLIS)[of_day % 1000]
    return text


def _hex(raw: np.ndarray) -> np.ndarray:
    return _HEX[raw].view(np.uint8).reshape(len(raw), -1)


def _bytes(texts: np.ndarray) -> np.ndarray:
    return texts.view(np.uint8).reshape(len(texts), -1)


def _fixed_width(text: np.ndarray) -> pa.BinaryArray:
    """A matrix of bytes as an Arrow column, without a copy."""
    count, width = text.shape
    offsets = np.arange(0, width * count + 1, width, dtype=np.int32)
    return pa.Array.from_buffers(pa.binary(), count, [None, pa.py_buffer(offsets), pa.py_buffer(text)])
