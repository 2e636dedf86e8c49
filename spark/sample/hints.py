"""What a source mapping could do about the rejects of a sample. Pure: from reasons and values to sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from spark.mapping.source_mapping import PriceFormat
from spark.mapping.value_tables import GROUPING_SIGNS, NO_CURRENCY

GUIDE = "docs/source-mapping.md"
NAMED = 20  # unknown actions: with more, it is another column

OF_REASONS = {
    "unknown_action_type": "[actions] of a source mapping says which action a word is, [events] other_actions that it "
    "is one of its own",
    "invalid_event_time": "[time] of a source mapping says how times are written",
    "missing_user_id": '[events] optional = ["user_id"] keeps such rows; { first = [...] } finds another id',
    "missing_session_id": '[events] optional = ["session_id"] keeps such rows',
    "missing_product_id": '[events] optional = ["product_id"] keeps such rows; other_actions need no product',
    "not_json": "NaN and Infinity are no JSON, and keys and texts stand in double quotes: write null for no number",
    "backslash_escape": '[format] of a source mapping says whether a backslash escapes quotes: escape = "backslash" '
    'or "none"',
    "invalid_utf8": '[format] of a source mapping names another encoding: encoding = "windows-1252"',
    "unbalanced_quote": 'where quotes are characters like others, say so in a source mapping: [format] quotes = "none"',
    "text_after_quote": "a quote within quotes is doubled; where a backslash escapes it, say so in a source mapping: "
    '[format] escape = "backslash"',
}

_GROUPS = f"[{re.escape(''.join(sign for sign in GROUPING_SIGNS if sign != ','))}]"
_DECIMAL_COMMA = re.compile(
    rf"[+-]?(?:[0-9]+|[0-9]{{1,3}}(?:(?P<sign>{_GROUPS})[0-9]{{3}})(?:(?P=sign)[0-9]{{3}})*),[0-9]+"
)
_AROUND = re.compile(
    r"(?P<before>[^\d.,+\-]{0,5})[+-]?[\d.,][\d.,'\u2019 \u00a0\u202f]*?(?P<behind>[^\d.,+\-]{0,5})"
)
_OTHER_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(['\u2019 \u00a0\u202f_])[0-9]{3}(?:\1[0-9]{3})*(?:\.[0-9]+)?")
_COMMA_GROUPS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?P<rest>\.[0-9]+)?")


_MISSING = {
    "user_id": 'name it in [columns] or [fields]; guests: user_id = { constant = "guest" }',
    "session_id": "name it in [columns] or [fields]; session_id = false where the producer has none",
    "action_type": 'name it in [columns] or [fields]; action_type = { constant = "view" } where all rows are views',
    "product_id": "name it in [columns] or [fields]",
    "event_time": "name it in [columns] or [fields]; two columns: event_time = { join = [...] }",
}


def missing_field(field: str) -> str:
    """What to do about a required field of which nothing says where it comes from."""
    return _MISSING[field]


def hint(reason: str) -> str | None:
    """What to do about a reason."""
    return f"{OF_REASONS[reason]}: {GUIDE}" if reason in OF_REASONS else None


def unknown_actions(words: Sequence[str]) -> str:
    """All of them with their counts, the most frequent first."""
    counts = Counter(word.lower() for word in words).most_common()
    more = f" and {len(counts) - NAMED:,} more" if len(counts) > NAMED else ""
    return ", ".join(f"{word!r} {number:,}" for word, number in counts[:NAMED]) + more


def price_format(rejected: Sequence[str]) -> PriceFormat | None:
    """The signs that the rejected prices of a file seem to have; `None` where they do not look like it."""
    found = [_DECIMAL_COMMA.fullmatch(text) for text in rejected]
    grouped = [_COMMA_GROUPS.fullmatch(text) for text in rejected]
    # 1,234 may be either; 19,90 is no group of three, and 1,234.50 and 1,234,567 have no decimal comma.
    if any(comma and not group for comma, group in zip(found, grouped, strict=True)):
        signs = Counter(match["sign"] for match in found if match and match["sign"])
        return PriceFormat(",", signs.most_common(1)[0][0] if signs else "")
    if any(group and not comma for comma, group in zip(found, grouped, strict=True)):
        return PriceFormat(".", ",")
    swiss = Counter(match[1] for text in rejected if (match := _OTHER_GROUPS.fullmatch(text)))
    if swiss:
        return PriceFormat(".", swiss.most_common(1)[0][0])
    return PriceFormat(",") if any(found) else None


def currency_signs(prices: Sequence[str]) -> list[str]:
    """The signs of currencies that most of some prices begin or end with."""
    found = [_AROUND.fullmatch(text) for text in prices]
    signs = Counter(
        sign for match in found if match for sign in (match["before"].strip(), match["behind"].strip())
    )
    signs = Counter({sign: number for sign, number in signs.items() if sign and not NO_CURRENCY.search(sign)})
    return [sign for sign, number in signs.most_common(3) if number * 20 >= len(prices)]


def price_hints(rejected: Mapping[str, Sequence[str]], known: PriceFormat) -> list[str]:
    """Which prices to announce in the mapping.

    Args:
        rejected: the prices that could not be read, by file.
        known: the signs that the mapping names already.
    """
    files: dict[PriceFormat, list[str]] = {}
    for path, prices in rejected.items():
        form = price_format(prices)
        if form is not None and form != known:
            files.setdefault(form, []).append(path)
    return [_price_hint(form, paths) for form, paths in files.items()]


def _price_hint(form: PriceFormat, paths: Sequence[str]) -> str:
    more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
    looks = "looks" if len(paths) == 1 else "look"
    kind = "decimal commas" if form.decimal == "," else f"'{form.grouping}' between thousands"
    lines = ['decimal = ","'] if form.decimal == "," else []
    lines += [f'grouping = "{form.grouping}"'] if form.grouping else []
    return (
        f"{paths[0]}{more} {looks} like {kind}: write [price] {' and '.join(lines)} "
        f"in a source mapping: {GUIDE}"
    )
