"""Prices: from their text to the text that PostgreSQL shows for the number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

from clickstream_assets.second_reader.texts import BLANKS

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LIMIT = Decimal(10) ** 15
MOST_DECIMALS = 10
LONGEST = 100  # characters: nothing longer is a price
_LAST_PLACE = Decimal(1).scaleb(-MOST_DECIMALS)
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)
_SCALING = Context(prec=2_000)


class PriceError(ValueError):
    """It is no price. `reason` is that of the reject."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Prices:
    """Reads prices. `decimal` and `grouping`: the signs that a producer writes for the point and between thousands.
    `scale`: what the number is multiplied by. `currency`: signs that may stand at one of its ends."""

    def __init__(
        self,
        decimal: str = ".",
        grouping: str | None = None,
        scale: str | None = None,
        currency: Iterable[str] = (),
    ) -> None:
        self._scale = scale
        self._currency = sorted(currency, key=lambda sign: (-len(sign), sign))
        self._decimal = decimal
        self._grouping = grouping
        self._grouped = re.compile(
            rf"([+-]?)([0-9]{{1,3}}(?:{re.escape(grouping)}[0-9]{{3}})+)({re.escape(decimal)}[0-9]*)?"
            if grouping
            else r"(?!)"
        )

    def price(self, text: str) -> str:
        """The number as text.

        Raises:
            PriceError: it is negative, or no number below 10^15.
        """
        if len(text) > LONGEST:
            raise PriceError("invalid_price")
        return _price(self._plain(self._bare(text)), self._scale)

    def _bare(self, text: str) -> str:
        for sign in self._currency:
            if text.startswith(sign):
                return text.removeprefix(sign).strip(BLANKS)
            if text.endswith(sign):
                return text.removesuffix(sign).strip(BLANKS)
        return text

    def _plain(self, text: str) -> str:
        """The text with a point, and without signs between thousands where they are in their places."""
        if self._decimal == "." and self._grouping is None:
            return text
        if self._grouping is not None and (found := self._grouped.fullmatch(text)) is not None:
            sign, whole, rest = found.groups(default="")
            text = sign + whole.replace(self._grouping, "") + rest
        if self._decimal != ".":
            text = text.replace(".", "?").replace(self._decimal, ".")  # a point means nothing here any more
        return text


@lru_cache(maxsize=4096)
def _price(text: str, scale: str | None) -> str:
    if _NUMBER.fullmatch(text) is None:
        raise PriceError("invalid_price")
    number = Decimal(text)
    if number < 0:
        raise PriceError("negative_price")
    number = number.copy_abs()  # there is no -0
    if scale is not None:
        number = _SCALING.multiply(number, Decimal(scale))
        text = f"{number:f}"
        number = Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
    exponent = number.as_tuple().exponent
    if number < _LIMIT and isinstance(exponent, int) and exponent < -MOST_DECIMALS:
        text = f"{number.quantize(_LAST_PLACE, context=_EXACT):f}".rstrip("0").rstrip(".")
        number = Decimal(text)
    if number >= _LIMIT:
        raise PriceError("invalid_price")
    return f"{number:f}"
