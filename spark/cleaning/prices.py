"""Prices: from a text to a decimal number, and to the bytes of PostgreSQL's numeric.

A price has at most 15 digits before the point and keeps 10 after it. One with more (`19.990000000000002`, how programs
write binary fractions) is rounded to ten, half to even, and loses the zeros at its end; else the digits stay as they
are written, `5.50` being `5.50`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark.cleaning.texts import bytes_of
from spark.mapping.letters import BLANKS
from spark.mapping.source_mapping import PriceFormat

INTEGER_DIGITS, DECIMALS = 15, 10
TOO_LARGE = Decimal(10) ** INTEGER_DIGITS
REMEMBERED = 100_000  # unusual texts per process: prices repeat

PLAIN = PriceFormat()
NEGATIVE, INVALID = "negative_price", "invalid_price"

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_AS_IT_IS = r"^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,10})?$"  # the text is the number
# What is missing to ten decimals, by the number of those that are there.
_ZEROS = pa.array(["." + "0" * DECIMALS, *("0" * (DECIMALS - there) for there in range(1, DECIMALS + 1))])
_WIDTH = INTEGER_DIGITS + 1 + DECIMALS
_LAST_DECIMAL = Decimal(1).scaleb(-DECIMALS)
_CONTEXT = Context(prec=2_000, rounding=ROUND_HALF_EVEN)
LONGEST = 100  # characters: nothing longer is a price


@lru_cache(REMEMBERED)
def read_price(text: str, form: PriceFormat) -> tuple[str | None, str | None]:
    """A trimmed text as (number, None), the number in plain notation, or as (None, reason)."""
    plain = _plain(text, form)
    if plain is None or not _NUMBER.fullmatch(plain):
        return None, INVALID
    number = _CONTEXT.create_decimal(plain)
    if number < 0:
        return None, NEGATIVE
    number = number.copy_abs()  # -0 is 0
    if form.scale is not None:
        number = _CONTEXT.multiply(number, Decimal(form.scale)).normalize(_CONTEXT)
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -DECIMALS:
        number = number.quantize(_LAST_DECIMAL, context=_CONTEXT).normalize(_CONTEXT)
    return (f"{number:f}", None) if number < TOO_LARGE else (None, INVALID)


def _plain(text: str, form: PriceFormat) -> str | None:
    """The text with a point for the decimal sign and without grouping signs; `None` where those stand wrong."""
    if form == PLAIN:
        return text
    text = _without_currency(text, form.currency)
    if form.grouping and form.grouping in text:
        whole = re.escape(form.grouping).join((r"[+-]?[0-9]{1,3}(?:", r"[0-9]{3})+"))
        if not re.fullmatch(rf"{whole}(?:{re.escape(form.decimal)}[0-9]*)?", text):
            return None
        text = text.replace(form.grouping, "")
    elif form.decimal != "." and "." in text:
        return None
    return text.replace(form.decimal, ".")


def _without_currency(text: str, signs: Sequence[str]) -> str:
    """The text without a sign of a currency at one of its ends."""
    for sign in signs:
        if text.startswith(sign):
            return text[len(sign) :].strip(BLANKS)
        if text.endswith(sign):
            return text[: -len(sign)].strip(BLANKS)
    return text


def read_prices(column: pa.StringArray, form: PriceFormat) -> tuple[pa.StringArray, pa.StringArray]:
    """The numbers of a column of trimmed texts, and the reasons where there is none; null for null."""
    encoded = column.dictionary_encode()
    texts = encoded.dictionary
    if form == PLAIN:
        odd = np.flatnonzero(~pc.match_substring_regex(texts, _AS_IT_IS).to_numpy(zero_copy_only=False))
    else:
        odd = np.arange(len(texts))
    if not len(odd):
        return column, pa.nulls(len(column), pa.string())
    read = [
        read_price(text, form) if len(text) <= LONGEST else (None, INVALID)
        for text in texts.take(pa.array(odd)).to_pylist()
    ]
    mask = np.zeros(len(texts), bool)
    mask[odd] = True
    numbers = pc.replace_with_mask(
        texts, pa.array(mask), pa.array([number for number, _ in read], pa.string())
    )
    reasons = pc.replace_with_mask(
        pa.nulls(len(texts), pa.string()),
        pa.array(mask),
        pa.array([reason for _, reason in read], pa.string()),
    )
    return numbers.take(encoded.indices), reasons.take(encoded.indices)


def with_ten_decimals(numbers: pa.StringArray) -> pa.StringArray:
    """Numbers of `read_prices`, all of them with ten decimals."""
    encoded = numbers.dictionary_encode()
    texts = encoded.dictionary
    return pc.binary_join_element_wise(texts, _ZEROS.take(_decimals(texts)), "").take(encoded.indices)


def as_numeric(numbers: pa.StringArray) -> pa.FixedSizeBinaryArray:
    """Numbers of `read_prices` as PostgreSQL's numeric travels (numeric_send): seven digits to the base 10,000.

    Four stand before the point, three behind it. PostgreSQL removes the zeros at either end, but not the number of
    decimals.
    """
    encoded = numbers.dictionary_encode()
    texts = encoded.dictionary
    rows = len(texts)
    decimals = _decimals(texts)
    wide = pc.utf8_lpad(pc.binary_join_element_wise(texts, _ZEROS.take(decimals), ""), _WIDTH, "0")
    _, data = bytes_of(wide)
    letters = data[: rows * _WIDTH].reshape(rows, _WIDTH) - ord("0")
    digits = np.zeros((rows, 28), np.int16)
    digits[:, 1:16] = letters[:, :INTEGER_DIGITS]
    digits[:, 16:26] = letters[:, INTEGER_DIGITS + 1 :]
    found = np.empty((rows, 11), ">i2")
    found[:, 0], found[:, 1], found[:, 2], found[:, 3] = 7, 3, 0, decimals.to_numpy()
    found[:, 4:] = digits.reshape(rows, 7, 4) @ np.array([1000, 100, 10, 1], np.int16)
    values = pa.FixedSizeBinaryArray.from_buffers(pa.binary(22), rows, [None, pa.py_buffer(found)])
    return values.take(encoded.indices)


def _decimals(texts: pa.StringArray) -> pa.Int32Array:
    """How many digits stand behind the point."""
    point = pc.find_substring(texts, ".").to_numpy()
    lengths = pc.binary_length(texts).to_numpy()
    return pa.array(np.where(point < 0, 0, lengths - point - 1).astype(np.int32))
