"""What `check-source` guesses of a producer's values. Guards against advice that would make them worse."""

from __future__ import annotations

import pytest

from spark.mapping.source_mapping import PriceFormat
from spark.sample.hints import hint, price_format, price_hints, unknown_actions


@pytest.mark.parametrize(
    ("rejected", "signs"),
    [
        (["19,90"], PriceFormat(",")),
        (["1234,5"], PriceFormat(",")),
        (["1.234,50", "19,90"], PriceFormat(",", ".")),
        (["1 234,50"], PriceFormat(",", " ")),
        (["1'234'567,5"], PriceFormat(",", "'")),
        (["1\u202f234,50"], PriceFormat(",", "\u202f")),
        (["1,234", "19,90"], PriceFormat(",")),  # three decimals, as the other price says
        (["1,234.50", "1,234"], PriceFormat(".", ",")),
        (["1,234,567"], PriceFormat(".", ",")),
        (["1,234"], PriceFormat(",")),
        (["-", "free"], None),
        (["1.234'567,5"], None),
        (["19,90 EUR"], None),
        ([], None),
    ],
)
def test_the_signs_of_prices_are_guessed_from_those_that_could_not_be_read(
    rejected: list[str], signs: PriceFormat | None
) -> None:
    assert price_format(rejected) == signs


def test_files_with_decimal_commas_are_named_with_what_to_write() -> None:
    rejected = {"a.csv": ["19,90"], "b.csv": ["7,5"], "c.csv": ["1.234,50"], "d.csv": ["x"]}
    assert price_hints(rejected, PriceFormat()) == [
        'a.csv and 1 more look like decimal commas: write [price] decimal = "," in a source mapping: '
        "docs/source-mapping.md",
        'c.csv looks like decimal commas: write [price] decimal = "," and grouping = "." in a source mapping: '
        "docs/source-mapping.md",
    ]


def test_what_the_mapping_says_already_is_no_advice() -> None:
    assert price_hints({"a.csv": ["19,90"]}, PriceFormat(",")) == []
    assert len(price_hints({"a.csv": ["1.234,50"]}, PriceFormat(","))) == 1


def test_unknown_actions_are_named_at_once_with_their_counts() -> None:
    assert unknown_actions(["gekauft", "geschaut", "Geschaut"]) == "'geschaut' 2, 'gekauft' 1"
    many = unknown_actions([f"word{number}" for number in range(25)])
    assert many.endswith("'word19' 1 and 5 more")


@pytest.mark.parametrize("reason", ["backslash_escape", "text_after_quote"])
def test_a_dialect_that_is_in_doubt_can_be_said(reason: str) -> None:
    said = hint(reason)
    assert said is not None
    assert 'escape = "backslash"' in said
    assert hint("field_count") is None
