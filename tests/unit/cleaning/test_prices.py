"""Prices of the stream: texts to numbers, and numbers with ten decimals."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from spark.cleaning.prices import INVALID, NEGATIVE, read_prices, with_ten_decimals
from spark.mapping.source_mapping import PriceFormat

GERMAN = PriceFormat(",", ".")
READ = {
    "0": "0",
    "-0": "0",
    "-0.00": "0.00",
    "+5.50": "5.50",
    "12.": "12",
    ".5": "0.5",
    "5.0E0": "5.0",
    "1e-05": "0.00001",
    "1.5e3": "1500",
    "0e999": "0",
    "007.10": "7.10",
    "19.990000000000002": "19.99",
    "1000.000000000000": "1000",
    "0.00000000005": "0",  # half to even
    "0.00000000015": "0.0000000002",
    "0.00000000025": "0.0000000002",
    "999999999999999.9999999999": "999999999999999.9999999999",
}
REFUSED = {
    "-0.01": NEGATIVE,
    "-1e-999": NEGATIVE,
    "-1e15": NEGATIVE,
    "1e15": INVALID,
    "999999999999999.99999999995": INVALID,  # which would be rounded up
    "1e9999": INVALID,
    "NaN": INVALID,
    "Infinity": INVALID,
    "1_000": INVALID,
    "1,5": INVALID,
    "\u0663": INVALID,
    "5\n": INVALID,
    "0" * 101: INVALID,
}


def read(texts: list[str | None], form: PriceFormat = PriceFormat()) -> list[str | None]:  # noqa: B008 - frozen
    """Numbers, or reasons."""
    numbers, reasons = read_prices(pa.array(texts, pa.string()), form)
    found = list(zip(numbers.to_pylist(), reasons.to_pylist(), strict=True))
    assert all(number is None or reason is None for number, reason in found)
    return [number or reason for number, reason in found]


@pytest.mark.parametrize("text", list(READ | REFUSED))
def test_a_price_is_a_number_or_has_a_reason(text: str) -> None:
    assert read([text]) == [(READ | REFUSED)[text]]


def test_in_one_column_each_price_is_read_as_if_it_were_alone() -> None:
    texts = [None, *READ, "9.99", *REFUSED, None, "9.99"]
    assert read(texts) == [(READ | REFUSED | {"9.99": "9.99"}).get(text or "") for text in texts]


@pytest.mark.parametrize(
    ("text", "form", "expected"),
    [
        ("1.234,50", GERMAN, "1234.50"),
        ("-1.234,50", GERMAN, NEGATIVE),
        ("1.234.567", GERMAN, "1234567"),
        ("1234,5", GERMAN, "1234.5"),
        ("12.34,5", GERMAN, INVALID),
        ("1234.567,5", GERMAN, INVALID),
        ("1.23", GERMAN, INVALID),
        (".123", GERMAN, INVALID),
        ("1.234,5e1", GERMAN, INVALID),
        ("1,5e1", GERMAN, "15"),
        ("1.5", PriceFormat(","), INVALID),
        ("1,5", PriceFormat(","), "1.5"),
        ("1,234.5", PriceFormat(".", ","), "1234.5"),
        ("1'234", PriceFormat(".", "'"), "1234"),
        ("1 234,5", PriceFormat(",", " "), "1234.5"),
    ],
)
def test_signs_of_a_mapping_count_in_their_places_alone(text: str, form: PriceFormat, expected: str) -> None:
    assert read([text], form) == [expected]


def test_ten_decimals_say_the_same_number_for_each_way_to_write_it() -> None:
    numbers = ["0", "0.00", "5.5", "5.50", "12", "0.0000000001", "999999999999999.9999999999"]
    found = with_ten_decimals(pa.array([*numbers, None])).to_pylist()
    assert found == [*(f"{Decimal(number):.10f}" for number in numbers), None]
