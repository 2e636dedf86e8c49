"""[time], [price] and [values] of a source mapping: how another producer writes values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from zoneinfo import available_timezones

from clickstream_assets.contract import NULL_TOKENS
from spark.mapping.letters import BLANKS, ascii_lower
from spark.mapping.source_mapping import PriceFormat
from spark.mapping.tables import Place, list_of, table_of, texts_of
from spark.mapping.time_formats import UTC, TimeFormatError, compiled, read_time_of_day
from spark.mapping.zones import ZONE_NAME, is_zone, read_offset

GROUPING_SIGNS = (".", ",", "'", " ", "\u00a0", "\u2009", "\u202f", "\u2019", "_")
# A minus sign of any kind, or brackets, which mean one: without it, what was taken back would be bought.
NO_CURRENCY = re.compile("[\\d+\\-\u2010-\u2015\u2212\ufe58\ufe63\uff0d()\\[\\]<>%]")


class Times(NamedTuple):
    """What [time] says."""

    format: str | None  # in strptime's notation
    zone: str
    time_of_day: str | None  # of days alone
    zones: Mapping[str, str]  # names within times, and what they mean


def read_times(tables: Mapping[str, Any], place: Place) -> Times:
    """Raises: SettingsError: something means nothing; so do the others here."""
    time = table_of(tables, "time", place, ("format", "zone", "time_of_day", "zones"))
    texts_of({"time": {key: value for key, value in time.items() if key != "zones"}}, "time", place)
    within = place.within("time")
    zones = _zones(time, within)
    zone, form, of_day = time.get("zone", UTC), time.get("format"), time.get("time_of_day")
    if not is_zone(zone):
        within.refuse(f"'{zone}' is no time zone: give a name like Europe/Berlin.")
    if of_day is not None and read_time_of_day(of_day) is None:
        within.refuse(f"time_of_day is '{of_day}': give a time like 12:00 or 23:59:59.")
    if form is not None and "%" not in form:
        within.refuse(
            f"the format '{form}' has no %: write it in strptime's notation, "
            "like %d.%m.%Y %H:%M:%S (Spark's patterns, like dd.MM.yyyy, are no longer read)."
        )
    try:
        if form is not None:
            compiled(form, may_lack_hour=of_day is not None)
    except TimeFormatError as error:
        within.refuse(f"the format '{form}' cannot be used: {error}.")
    return Times(form, zone, of_day, zones)


def _zones(time: Mapping[str, Any], place: Place) -> Mapping[str, str]:
    zones = texts_of(time, "zones", place)
    for name, meaning in zones.items():
        if read_offset(meaning) is None and meaning not in available_timezones():
            sentence = "give an offset like -08:00, or a name like Europe/Berlin"
            place.refuse(f"zones: {name} is '{meaning}': {sentence}.")
        if name.lower() in ("utc", "gmt", "z") or not ZONE_NAME.fullmatch(name):
            place.refuse(f"zones: '{name}' is UTC, or no name that is read: give one like PST.")
    return zones


def read_price(tables: Mapping[str, Any], place: Place) -> PriceFormat:
    """[price]."""
    price = table_of(tables, "price", place, ("decimal", "grouping", "scale", "currency"))
    within = place.within("price")
    texts_of({"price": {k: v for k, v in price.items() if k in ("decimal", "grouping")}}, "price", place)
    decimal, grouping = price.get("decimal", "."), price.get("grouping", "")
    if decimal not in (".", ","):
        within.refuse(f"decimal is '{decimal}': give a point or a comma.")
    if grouping and grouping not in GROUPING_SIGNS:
        within.refuse(f"grouping is '{grouping}': give one of {' '.join(map(repr, GROUPING_SIGNS))}.")
    if decimal == grouping:
        within.refuse(f"decimal and grouping are the same sign, '{decimal}'.")
    return PriceFormat(decimal, grouping, _scale(price, within), _currency(price, within))


def read_nothing(tables: Mapping[str, Any], place: Place) -> Sequence[str]:
    """[values]: the words that mean "no value", in lower case."""
    values = tables.get("values", {})
    keys = ("nothing", "also_nothing")
    found = [values.get(key, []) if isinstance(values, dict) else None for key in keys]
    if not all(isinstance(words, list) and all(isinstance(word, str) for word in words) for words in found):
        place.refuse('[values] takes a line like nothing = ["-", "NA"].')
    place.within("values").refuse_unknown(values, keys)
    known = values.get("nothing", NULL_TOKENS)
    return tuple(ascii_lower(word.strip(BLANKS)) for word in (*known, *values.get("also_nothing", [])))


def _scale(price: Mapping[str, Any], place: Place) -> str | None:
    scale = price.get("scale")
    if scale is None:
        return None
    if isinstance(scale, bool) or not isinstance(scale, int | float):
        place.refuse(f"scale is {scale!r}: give a number, like 0.01 for cents.")
    number = Decimal(repr(scale))
    if not number.is_finite() or not Decimal("1e-10") <= number <= Decimal("1e10"):
        place.refuse(f"scale is {scale!r}: give a number from 1e-10 to 1e10.")
    return f"{number:f}"


def _currency(price: Mapping[str, Any], place: Place) -> tuple[str, ...]:
    signs = list_of(price, "currency", place, '["€", "EUR"]') or ()
    for sign in signs:
        if NO_CURRENCY.search(sign) or not re.search(r"[^\s.,]", sign):
            place.refuse(f"currency: '{sign}' is no sign of a currency, like € or EUR.")
    # The longest first: of $ and US$, the second.
    return tuple(sorted({sign.strip(BLANKS) for sign in signs}, key=lambda sign: (-len(sign), sign)))
