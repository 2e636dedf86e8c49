"""The audit's own reading of prices, by the rules for values."""

from __future__ import annotations

import pytest

from clickstream_assets.second_reader.prices import PriceError, Prices


def read(text: str, decimal: str = ".", grouping: str | None = None) -> str:
    """The price, or the reason why it is none."""
    try:
        return Prices(decimal, grouping).price(text)
    except PriceError as error:
        return error.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", "5"),
        ("5.50", "5.50"),
        ("+5.5", "5.5"),
        ("12.", "12"),
        (".5", "0.5"),
        ("007.10", "7.10"),
        ("0", "0"),
        ("0.00", "0.00"),
        ("-0", "0"),
        ("-0.00", "0.00"),
        ("-0e5", "0"),
        ("0E+5", "0"),
        ("1e-05", "0.00001"),
        ("5.0E0", "5.0"),
        ("1.5e3", "1500"),
        ("1.50e1", "15.0"),
        ("1E10", "10000000000"),
        ("1e+002", "100"),
        ("19.990000000000002", "19.99"),
        ("5.00000000000", "5"),
        ("10.00000000000", "10"),
        ("0.1234567890", "0.1234567890"),
        ("0.12345678905", "0.123456789"),  # half to even
        ("0.12345678915", "0.1234567892"),
        ("0.00000000001", "0"),
        ("1e-999", "0"),
        ("0e-999", "0"),
        ("999999999999999.9999999999", "999999999999999.9999999999"),
        ("1e14", "100000000000000"),
        (f"0.{'3' * 98}", "0.3333333333"),
        (f"{'0' * 50}1", "1"),
    ],
)
def test_a_price_is_what_postgresql_shows(text: str, expected: str) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", ["-1", "-0.01", "-1e20", "-.5", "-1e-999"])
def test_below_zero_is_negative(text: str) -> None:
    assert read(text) == "negative_price"


@pytest.mark.parametrize(
    "text",
    [
        "1000000000000000", "1e15", "1e999", "999999999999999.99999999999", "0." + "3" * 99,
        "1,5", "1.234,50", "1 000", "$5", "5€", "5.5.5", "e5", ".", "+", "-",
        "1e", "1e1000", "1e0001", "0x10", "Infinity", "inf", "-inf", "NaN", "1_000", "\uff15", "\u0663", "--5", "+-5",
        "- 5",
    ],
)  # fmt: skip
def test_anything_else_is_no_price(text: str) -> None:
    assert read(text) == "invalid_price"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.234,50", "1234.50"),
        ("1.234.567", "1234567"),
        ("999,5", "999.5"),
        ("1234,5", "1234.5"),
        ("-1.234,50", "negative_price"),
        (",5", "0.5"),
        ("1.23", "invalid_price"),
        ("1.2345", "invalid_price"),
        ("1234.567", "invalid_price"),
        (".123", "invalid_price"),
        ("1..234", "invalid_price"),
        ("1.234.56,0", "invalid_price"),
        ("1,234.5", "invalid_price"),
        ("1,234,5", "invalid_price"),
        ("1,5e3", "1500"),
        ("1.234,5e3", "invalid_price"),
    ],
)
def test_decimal_and_grouping_signs_of_a_mapping(text: str, expected: str) -> None:
    assert read(text, ",", ".") == expected


def test_a_decimal_comma_without_grouping_leaves_no_meaning_for_a_point() -> None:
    assert read("5,5", ",") == "5.5"
    assert read("5.5", ",") == "invalid_price"


def test_grouping_alone_leaves_the_point() -> None:
    assert read("1,234.50", ".", ",") == "1234.50"
    assert read("12,34.50", ".", ",") == "invalid_price"
    assert read("1 234 567", ".", " ") == "1234567"
