"""Hostile values, for hypothesis: near every rule that there is for values, on either side of it."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from clickstream_assets.contract import ACTIONS, NULL_TOKENS
from clickstream_assets.second_reader.texts import BLANKS

Text = st.SearchStrategy[str]

UUID = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d"
# Letters that case, width and digits go wrong with, ends of lines of Unicode, signs of JSON, SQL, CSV and COPY.
ODD = (
    "\u0085\u2028\u2029\u00a0\u200b\ufeff\u1680\u202f\u3000\x1c\x1d\x1f\x01\x7f\x0b\f\t "
    "\u017f\u212a\u0130\u0131\u00df\u0660\u0663\uff11\u2212\u00e4\u00c4\u20ac\U0001f6d2\U0010ffff\ufffd"
    "\"\\',;|{}[]:=%$\r\n-+._eETtZz0159/"
)
odd = st.sampled_from(ODD)
blanks = st.text(st.sampled_from(BLANKS), max_size=2)
any_text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.text(
    odd, max_size=8
)


@st.composite
def mutated(draw: st.DrawFn, texts: Text, alphabet: str = ODD + string.digits) -> str:
    """Mostly the text; else it with a character more, less or changed, or blanks around it."""
    text = draw(texts)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        at = draw(st.integers(0, len(text)))
        cut = draw(st.integers(0, 1))
        text = text[:at] + draw(st.sampled_from(["", *alphabet])) + text[at + cut :]
    if draw(st.integers(0, 3)) == 0:
        text = draw(blanks) + text + draw(blanks)
    return text


def digits(low: int, high: int) -> Text:
    return st.text(st.sampled_from(string.digits), min_size=low, max_size=high)


@st.composite
def any_case(draw: st.DrawFn, texts: Text) -> str:
    text = draw(texts)
    upper = draw(st.integers(0, (1 << len(text)) - 1))
    return "".join(c.upper() if upper >> n & 1 and c.isascii() else c for n, c in enumerate(text))


def two(low: int, high: int) -> Text:
    return st.integers(low, high).map(lambda number: f"{number:02d}")


# Around leap days, bounds and the days on which some zone's clocks change.
DAYS = [
    "2026-03-01", "2024-02-29", "2023-02-29", "2000-02-29", "2100-02-29", "0000-02-29", "0000-01-01",
    "9999-12-31", "2000-01-01", "1999-12-31", "1969-12-31", "1900-01-01", "2026-02-30", "2026-04-31",
    "2026-00-10", "2026-13-10", "2026-10-00", "2026-03-29", "2026-10-25", "2025-03-30", "2005-04-03",
    "2005-10-30", "2026-03-08", "2026-11-01", "2011-12-30", "2025-10-05", "2025-04-06", "2007-12-09",
]  # fmt: skip
days = st.sampled_from(DAYS) | st.dates().map(str) | st.tuples(two(19, 21), two(0, 99), two(0, 14), two(0, 33)).map(
    lambda part: f"{part[0]}{part[1]}-{part[2]}-{part[3]}"
)  # fmt: skip
clocks = st.tuples(two(0, 24) | two(0, 3), two(0, 60), two(0, 60)).map(":".join)
fractions = st.sampled_from(["", ".", ","]).flatmap(
    lambda sign: (
        digits(1, 7).map(lambda d: sign + d) | digits(1, 31).map(lambda d: sign + d) if sign else st.just("")
    )
)
OFFSETS = (
    "Z", "z", "UTC", "utc", "GMT", "Gmt", "+02", "-0330", "+05:45", "+18:00", "-18:00", "+18:01", "+18:00:01",
    "+02:00:30", "+0200:30", "+2", "+1", "+00", "-00:00", "+14:60", "CET", "Z+02", "+25", "-99:99",
)  # fmt: skip
zones = st.sampled_from(OFFSETS) | st.tuples(
    st.sampled_from("+-"), two(0, 19), st.sampled_from([":", ""]), two(0, 61)
).map("".join)
iso_times = st.tuples(
    days,
    st.sampled_from(["T", "t", " ", " ", "T", "  ", "_", "\u00a0"]),
    clocks | clocks | clocks.map(lambda clock: clock[:5]),
    fractions,
    st.sampled_from(["", "", "", " ", "  "]),
    st.just("") | zones,
).map("".join)
epochs = st.tuples(
    st.sampled_from([str(seconds) for seconds in (1767225600, 1772366400, 946684800, 946684799, 999999999)])
    | st.integers(946_684_000, 1_900_000_000).map(str),
    st.sampled_from(["", "123", "123456", "123456789", "12", "1234567890"]) | digits(0, 10),
    fractions,
).map("".join)
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Apia", "America/Caracas", "Etc/GMT+12", "Africa/Casablanca",
)  # fmt: skip
FORMATS = (
    "%d.%m.%Y %H:%M:%S", "%Y%m%d%H", "%m/%d/%y %I:%M %p", "%d %b %Y %H:%M:%S,%f", "%a, %d %B %Y %T %z", "%FT%T.%f%z",
    "%Y-%d-%m %H:%M:%S", "%d.%m.20%y %R", "%H:%M:%S %d/%m/%Y %Z", "%Y%m%d%H%M%S", "100%% %D %H", "%Y-%m-%d %H",
    "%d%m%Y%H%M",
)  # fmt: skip


@st.composite
def format_times(draw: st.DrawFn, form: str) -> str:
    """A moment as `form` writes it, by hand: strftime knows no short numbers, and all years have four digits here."""
    numbers = {name: draw(st.integers(*bounds)) for name, bounds in _PARTS.items()}
    width = draw(st.sampled_from([1, 2, 2, 2]))
    texts = {name: f"{number:0{width}d}" for name, number in numbers.items()}
    texts |= {"Y": f"{draw(st.sampled_from([0, 1999, 2000, 2024, 2026, 9999])):04d}"}
    texts |= {
        "y": f"{numbers['y']:02d}",
        "f": draw(digits(1, 31)),
        "%": "%",
        "p": draw(any_case(st.just("pm"))),
    }
    texts |= {
        "b": draw(any_case(st.sampled_from(["jan", "may", "dec"]))),
        "B": "mAy",
        "a": "Sun",
        "A": "Sunday",
    }
    texts |= {"z": draw(zones), "Z": draw(st.sampled_from(["UTC", "gmt", "z"]))}
    for short, long in (("%F", "%Y-%m-%d"), ("%T", "%H:%M:%S"), ("%R", "%H:%M"), ("%D", "%m/%d/%y")):
        form = form.replace(short, long)
    text, at = "", 0
    while at < len(form):
        text += texts[form[at + 1]] if form[at] == "%" else form[at]
        at += 2 if form[at] == "%" else 1
    return text


_PARTS = {
    "m": (0, 13),
    "d": (0, 32),
    "H": (0, 25),
    "I": (0, 13),
    "M": (0, 60),
    "S": (0, 60),
    "y": (0, 99),
}


def times(form: str | None) -> Text:
    found = iso_times | epochs
    if form is not None:
        found = format_times(form) | found
    return mutated(found)


plain_numbers = st.tuples(
    st.sampled_from(["", "", "", "+", "-", "--"]),
    digits(0, 17),
    st.sampled_from(["", ".", "."]),
    digits(0, 14),
).map("".join)
exponents = st.just("") | st.tuples(
    st.sampled_from("eEd"),
    st.sampled_from(["", "+", "-"]),
    digits(0, 4) | st.sampled_from(["2", "5", "08", "14"]),
).map("".join)
EDGES = [
    "0", "-0", "-0.0", "0e999", "0e-999", "-0e-999", "00012.50", ".5", "5.", ".", "999999999999999",
    "999999999999999.9999999999", "1e-10", "1e-11", "5e-11", "15e-11", "999999999999999.99999999995",
    "1000000000000000", "1e15", "1e14", "9.99e14", "1e400", "1e-400", "19.990000000000002",
    "12.345678901250000", "0.00000000005", "0.00000000015", "1_000", "1,5", "0x10", "NaN", "Infinity", "-inf",
    "1e5.5", "100000000000000e0", "0000000000000000000001",
]  # fmt: skip


def prices(decimal: str, grouping: str) -> Text:
    numbers = st.tuples(plain_numbers, exponents).map("".join) | st.sampled_from(EDGES)
    floats = st.floats().map(repr) | st.floats(0, 1e16).map(repr) | st.decimals(0, 10**16, places=12).map(str)
    grouped = st.tuples(
        digits(1, 3), st.lists(digits(3, 3), max_size=4), st.sampled_from(["", decimal]), digits(0, 3)
    ).map(lambda part: (grouping or ",").join([part[0], *part[1]]) + part[2] + part[3])
    theirs = (numbers | floats).map(lambda text: text.replace(".", decimal))
    return mutated(numbers | floats | theirs | grouped | digits(95, 105))


nothings = any_case(
    st.sampled_from([*NULL_TOKENS, "-", "nada", "\u00c4nd", "\u00e4nd", "nul", "nulll", "n\u212anil"])
)
look_alikes = any_case(
    st.sampled_from(
        [UUID, UUID.replace("-", ""), UUID[:-1], UUID + "0", "{" + UUID + "}", "g" + UUID[1:], UUID[:33]]
    )
    | st.uuids().map(str)
)
event_ids = mutated(look_alikes | st.sampled_from(["", "", "42", "\x1f", "a\x1fb", "\u00e4" * 18]) | any_text)
long_ids = st.tuples(
    st.sampled_from(["x", "\u00e4", "\u20ac", "\U0001f6d2", "e\u0301"]), st.integers(126, 258)
).map(lambda part: (part[0] * part[1])[:258])
ids = mutated(st.sampled_from(["u1", "p\u00e4", "007"]) | any_text | long_ids | nothings)
actions = mutated(
    any_case(st.sampled_from([*ACTIONS, "gesehen", "\u00c4ngesehen", "\u00e4ngesehen", "vieW", "\u017fale"]))
)
agents = mutated(
    st.tuples(st.sampled_from(["x", "\u00e4", "\u20ac", "\U0001f6d2"]), st.integers(1_996, 2_003)).map(
        lambda part: part[0] * (part[1] // len(part[0].encode())) + "y" * (part[1] % 4)
    )
    | st.sampled_from(["Mozilla/5.0", 'say "hi"', "a\\b", 'a\\"b', "two\nlines"])
    | any_text
)
extra_values = any_text | st.sampled_from(
    ["", "", "x", '\\"', '"', "\\", "\x1f\x01", "null", "{}", "\u2028", "a\nb"]
)
