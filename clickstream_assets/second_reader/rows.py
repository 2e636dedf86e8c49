"""What a record means: the event that it is, or the first reason why it is none.

Two reasons depend on when a row is loaded. `event_time_out_of_range` beyond the latest moment and `too_old` are
found only where bounds are given.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from clickstream_assets.contract import ACTIONS, FIELDS, IDENTITY, NAMESPACE, REQUIRED
from clickstream_assets.second_reader.layout import BARE_BACKSLASH, FileLayout
from clickstream_assets.second_reader.mapping import AuditMapping
from clickstream_assets.second_reader.of_json.objects import ObjectError, object_texts
from clickstream_assets.second_reader.outcomes import Event, Record, Reject, rejected
from clickstream_assets.second_reader.prices import PriceError, Prices
from clickstream_assets.second_reader.quoting import QuotedRecord, bare_fields, read_record
from clickstream_assets.second_reader.recipes import Recipes
from clickstream_assets.second_reader.sources import Sources
from clickstream_assets.second_reader.texts import BLANKS, Values, ascii_lower
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
        path: str = "",
    ) -> None:
        """`path`: of the file, as the ledger writes it.

        Raises:
            LayoutError: the mapping names a column that the file has not.
        """
        self._layout, self._mapping = layout, mapping
        self._values = Values(mapping.nothing)
        self._names = [ascii_lower(name.strip(BLANKS)) for name in layout.columns]
        self._recipes = Recipes(layout, self._values, path, mapping.path)
        self._sources = Sources(layout, mapping, self._recipes)
        self._extras = layout.extras(self._sources.ours)
        others = {ascii_lower(name): name for name in mapping.other_actions}
        self._actions = {**ACTIONS, **others, **mapping.actions}
        self._times = Times(mapping.time_format, mapping.time_zone, mapping.time_of_day, mapping.time_zones)
        self._prices = Prices(
            mapping.price_decimal, mapping.price_grouping, mapping.price_scale, mapping.price_currency
        )
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
        except ObjectError as error:
            return rejected(record, error.reason)
        except _Refused as error:
            return rejected(record, error.reason, error.detail, error.event_time)

    def _event(self, record: Record) -> Event:
        texts = self._texts(record)
        fields = self._fields(texts)
        self._check_header(fields, texts)
        for reason in ("invalid_json", "invalid_number"):
            for defect in self._recipes.defects:
                if defect.reason == reason:
                    raise _Refused(reason, defect.text)
        word, time_text = fields["action_type"] or "", fields["event_time"] or ""
        action = self._actions.get(ascii_lower(word))
        self._check_required(fields, texts, action)
        if action is None:
            raise _Refused("unknown_action_type", word)
        moment = self._moment(time_text, texts)
        price = self._price(fields["price"], moment)
        agent = fields["user_agent"]
        if agent is not None and len(agent.encode()) > MAX_USER_AGENT_BYTES:
            raise _Refused("user_agent_too_long", agent, moment)
        extra = {name: texts[at] for name, at in self._extras.items() if texts[at]} if self._extras else {}
        given = fields["event_id"]
        if given is None:
            named = {
                **fields,
                "action_type": action,
                "event_time": str(moment),
                "price": _ten_decimals(price),
            }
            values = tuple(named[name] for name in IDENTITY)
            event_id = self._made_id((*values, *self._sources.identity(texts)))
        elif _UUID.fullmatch(given) is not None:
            event_id = given.lower()
        else:
            event_id = str(uuid.uuid5(NAMESPACE, given))
            extra = {"event_id": given, **extra}
        read = {"event_id": event_id, "action_type": action, "event_time": moment, "price": price}
        all_fields = {**fields, **read}
        return Event._make((record.line_no, *(all_fields[name] for name in FIELDS), extra or None))

    def _texts(self, record: Record) -> Sequence[str]:
        layout, reading = self._layout, record.reading
        if layout.format != "csv":
            record.data.decode("utf-8")
            return object_texts(record.data, layout.columns)
        if layout.escape == BARE_BACKSLASH:
            return self._bare_texts(record)
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

    def _bare_texts(self, record: Record) -> Sequence[str]:
        """Fields without quotes, in which a backslash escapes."""
        text = record.data.decode("utf-8").removesuffix("\n").rstrip("\r")
        fields = bare_fields(text, self._layout.delimiter)
        if fields is None or len(fields) != len(self._layout.columns):
            raise _Refused("field_count")
        if any("\0" in field for field in fields):
            raise _Refused("nul_byte")
        return fields

    def _is_in_doubt(self, record: Record, reading: QuotedRecord) -> bool:
        """Of a quote behind a backslash, where nobody knows whether it is escaped: whether it may well be."""
        if reading.text_after_quote:
            return True
        other = read_record(record.data, self._layout.separator, backslash=True)
        is_record = other.is_record(len(self._layout.columns)) and other.end == len(record.data)
        return other.escapes_quote and is_record

    def _fields(self, texts: Sequence[str]) -> dict[str, str | None]:
        self._recipes.defects.clear()
        return {field: self._sources.text(field, texts) for field in self._sources.in_order}

    def _check_header(self, fields: dict[str, str | None], texts: Sequence[str]) -> None:
        """A row that is a header: each of its texts is the name of its column, or its time that of a time."""
        moment = fields["event_time"]
        is_named = moment is not None and ascii_lower(moment) in HEADERS_OF_TIME
        if is_named or [ascii_lower(text.strip(BLANKS)) for text in texts] == self._names:
            raise _Refused("repeated_header", moment)

    def _check_required(
        self, fields: dict[str, str | None], texts: Sequence[str], action: str | None
    ) -> None:
        for field in REQUIRED:
            may_lack = field in self._sources.optional
            if field == "product_id" and action is not None and action in self._mapping.other_actions:
                may_lack = True
            if fields[field] is None and not may_lack:
                raise _Refused(f"missing_{field}", self._sources.written(field, texts))
        for field in IDS:
            text = fields[field]
            if text is not None and len(text) > MAX_ID_CHARACTERS:
                raise _Refused("id_too_long", text)

    def _moment(self, text: str, texts: Sequence[str]) -> int:
        parts = self._sources.parts_of_time(texts)
        moment = self._times.microseconds(text) if parts is None else self._times.total(parts)
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
