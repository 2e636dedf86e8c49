"""What a record means: the event that it is, or the first reason why it is none.

Two reasons depend on when a row is loaded. `event_time_out_of_range` beyond the latest moment and `too_old` are
found only where bounds are given.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from clickstream_assets.contract import ACTIONS, NAMESPACE, REQUIRED
from clickstream_assets.second_reader.layout import FileLayout
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.second_reader.outcomes import Event, Record, Reject, rejected
from clickstream_assets.second_reader.prices import PriceError, Prices
from clickstream_assets.second_reader.quoting import Reading, read_record
from clickstream_assets.second_reader.texts import Values, ascii_lower
from clickstream_assets.second_reader.times import EARLIEST, Times

IDS = ("user_id", "session_id", "product_id")
MAX_ID_CHARACTERS = 256
MAX_USER_AGENT_BYTES = 2_000
HEADERS_OF_TIME = {"event_time", "timestamp", "time", "event_timestamp", "ts", "datetime"}

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True)
class Bounds:
    """The moments that an event may have, both allowed, in microseconds since 1970; None: not judged."""

    oldest: int | None = None
    latest: int | None = None


class _Refused(Exception):
    def __init__(self, reason: str, detail: str | None = None, event_time: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.detail, self.event_time = reason, detail, event_time


class RowReader:
    """Reads the records of one file, in their order (identical rows are counted)."""

    def __init__(
        self,
        layout: FileLayout,
        mapping: AuditMapping,
        identical_rows: Literal["merge", "keep"] = "merge",
        bounds: Bounds | None = None,
    ) -> None:
        self._layout = layout
        self._positions = layout.fields(mapping.columns)
        self._extras = layout.extras(mapping.columns)
        self._actions = {**ACTIONS, **mapping.actions}
        self._values = Values(mapping.nothing)
        self._times = Times(mapping.time_format, mapping.time_zone)
        self._prices = Prices(mapping.price_decimal, mapping.price_grouping)
        self._bounds = bounds or Bounds()
        # Of rows without an id: some 100 bytes for each, and only where identical rows are kept.
        self._seen: Counter[bytes] | None = Counter() if identical_rows == "keep" else None

    def read(self, record: Record) -> Event | Reject:
        """What `record` is."""
        if record.flaw is not None:
            return rejected(record, record.flaw)
        try:
            return self._event(record)
        except UnicodeDecodeError:
            return rejected(record, "invalid_utf8")
        except _Refused as error:
            return rejected(record, error.reason, error.detail, error.event_time)

    def _event(self, record: Record) -> Event:
        texts = self._texts(record)
        value = self._values.value
        fields = {field: value(texts[at]) for field, at in self._positions.items()}
        user, session, word, product, time_text = self._required(fields)
        action = self._actions.get(ascii_lower(word))
        if action is None:
            raise _Refused("unknown_action_type", word)
        moment = self._moment(time_text)
        price = self._price(fields.get("price"), moment)
        agent = fields.get("user_agent")
        if agent is not None and len(agent.encode()) > MAX_USER_AGENT_BYTES:
            raise _Refused("user_agent_too_long", agent, moment)
        extra = {name: texts[at] for name, at in self._extras.items() if texts[at]} if self._extras else {}
        given = fields.get("event_id")
        if given is None:
            event_id = self._made_id(
                (user, session, action, product, str(moment), _ten_decimals(price), agent)
            )
        elif _UUID.fullmatch(given) is not None:
            event_id = given.lower()
        else:
            event_id = str(uuid.uuid5(NAMESPACE, given))
            extra = {"event_id": given, **extra}
        return Event(
            record.line_no, event_id, user, session, action, product, moment, price, agent, extra or None
        )

    def _texts(self, record: Record) -> Sequence[str]:
        layout, reading = self._layout, record.reading
        text = record.data.decode("utf-8").rstrip("\r\n")
        if reading is None:  # no quotes
            texts, is_whole = text.split(layout.delimiter), "\r" not in text
        else:
            if layout.escape is None and reading.backslash_quote and self._is_in_doubt(record, reading):
                raise _Refused("backslash_escape")
            if reading.text_after_quote:
                raise _Refused("text_after_quote")
            texts, is_whole = [field.decode("utf-8") for field in reading.fields], not reading.lone_return
        if not is_whole or len(texts) != len(layout.columns):
            raise _Refused("field_count")
        return texts

    def _is_in_doubt(self, record: Record, reading: Reading) -> bool:
        """Of a quote behind a backslash, where nobody knows whether it is escaped: whether it may well be."""
        if reading.text_after_quote:
            return True
        other = read_record(record.data, self._layout.separator, backslash=True)
        is_record = other.is_record(len(self._layout.columns)) and other.end == len(record.data)
        return other.escapes_quote and is_record

    def _required(self, fields: dict[str, str | None]) -> Iterator[str]:
        found = []
        for field in REQUIRED:
            text = fields[field]
            if text is None:
                raise _Refused(f"missing_{field}")
            found.append(text)
        if ascii_lower(found[-1]) in HEADERS_OF_TIME:
            raise _Refused("repeated_header", found[-1])
        for field in IDS:
            text = fields[field]
            if text is not None and len(text) > MAX_ID_CHARACTERS:
                raise _Refused("id_too_long", text)
        return iter(found)

    def _moment(self, text: str) -> int:
        moment = self._times.microseconds(text)
        if moment is None:
            raise _Refused("invalid_event_time", text)
        latest, oldest = self._bounds.latest, self._bounds.oldest
        if moment < EARLIEST or (latest is not None and moment > latest):
            raise _Refused("event_time_out_of_range", text, moment)
        if oldest is not None and moment < oldest:
            raise _Refused("too_old", text, moment)
        return moment

    def _price(self, text: str | None, moment: int) -> str | None:
        try:
            return None if text is None else self._prices.price(text)
        except PriceError as error:
            raise _Refused(error.reason, text, moment) from None

    def _made_id(self, values: tuple[str | None, ...]) -> str:
        """The id of a row that brings none; where identical rows are kept, the second and later ones are numbered."""
        made = _uuid_of(values)
        if self._seen is None:
            return str(made)
        self._seen[made.bytes] += 1
        number = self._seen[made.bytes]
        return str(made if number == 1 else _uuid_of((*values, str(number))))


def _uuid_of(values: tuple[str | None, ...]) -> uuid.UUID:
    return uuid.uuid5(NAMESPACE, "\x1f".join("\0" if value is None else value for value in values))


def _ten_decimals(price: str | None) -> str | None:
    return None if price is None else f"{Decimal(price):.10f}"
