"""Guesses at what a producer means: which column is which field, and which word is which action.

Pure, and never sure: who uses a guess says that it is one. `proposal` writes the mapping.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from spark.cleaning.vocabulary import ACTIONS
from spark.mapping.letters import ascii_lower
from spark.mapping.names import plain_name
from spark.sample.profile import Profile


def _parts(*lines: str) -> tuple[str, ...]:
    return tuple(" ".join(lines).split())


# Parts of names, in the languages that files come in, the clearest first.
NAMES = {
    "user_id": _parts(
        "userid customerid visitorid clientid user customer visitor client kunde kdnr member shopper buyer account",
        "usuario cliente utilisateur gast guest person profile email anonymousid distinctid deviceid cookieid pseudo",
    ),
    "session_id": _parts(
        "sessionid visitid session visit sess besuch sitzung sesion basket invoice order bestell rechnung receipt",
        "cartid transactionid",
    ),
    "action_type": _parts(
        "eventtype eventname action event activity behavi interaction aktion ereignis accion evento type was typ",
        "verb kind operation",
    ),
    "product_id": _parts(
        "productid itemid articleid sku product item article artikel ware stock goods asin ean produkt producto",
        "produit offer variant content",
    ),
    "event_time": _parts(
        "eventtime timestamp datetime time zeit datum date wann fecha heure created ts occurred when"
    ),
    "price": _parts("unitprice price preis prix precio prezzo amount betrag amt cost value revenue"),
    "user_agent": _parts("useragent agent browser"),
}
QUANTITY = ("quantity", "qty", "menge", "anzahl", "cantidad", "quantite", "units", "count")
MOST_ACTIONS = 50
LONGEST_ACTION = 60  # characters: longer ones are no words

# Parts of words for actions. The first that fits: what removes often names the cart, too.
_WORDS = (
    ("remove_from_cart", _parts("remove delete entfern drop_cart from_cart supprim elimin")),
    ("", _parts("wish merk fav compare search such login checkout begin start refund")),
    ("purchase", _parts("purchase order kauf buy bought paid payment transaction compra achat sale")),
    ("add_to_cart", _parts("cart basket korb bag add carrito panier")),
    ("view", _parts("view anges geseh visit detail impression seen show pdp page product vu")),
)


def by_name(profiles: Sequence[Profile], field: str, taken: Collection[Profile]) -> list[Profile]:
    """The columns whose names could mean a field, the likeliest first."""
    ranked = []
    for number, profile in enumerate(profiles):
        name = plain_name(profile.label)
        ranks = [rank for rank, part in enumerate(NAMES[field]) if part in name]
        if ranks and profile not in taken and profile.texts:
            ranked.append((min(ranks), len(profile.steps), number, profile))
    return [profile for *_, profile in sorted(ranked, key=lambda found: found[:3])]


def likely(profiles: Sequence[Profile], field: str) -> Profile | None:
    """The column that a field most likely is, by its name and by its texts."""
    return next((one for one in by_name(profiles, field, ()) if fits(field, one)), None)


def fits(field: str, profile: Profile) -> bool:
    """Whether the texts of a column could be values of a field."""
    if field == "event_time":
        return bool(profile.time_formats or profile.day_formats)
    if field == "action_type":
        return could_be_actions(profile)
    if field == "price":
        return profile.is_number and not profile.time_formats
    if field == "user_agent":
        return profile.share(_looks_like_a_browser) > 0.8
    if field == "session_id" and len(profile.texts) * 2 < profile.rows:
        return False  # the number of an order, say, which only orders have
    return all(len(text) <= 256 for text in profile.counts)


def _looks_like_a_browser(text: str) -> bool:
    return "/" in text and len(text) > 15 and text[:1] not in "{[</" and "://" not in text.partition(" ")[0]


def could_be_actions(profile: Profile) -> bool:
    words = profile.counts
    if not words or len(words) > MOST_ACTIONS or max(map(len, words)) > LONGEST_ACTION:
        return False
    return any(ascii_lower(word) in ACTIONS or action_of(word) for word in words)


def action_of(word: str) -> str | None:
    """Which of our actions a word could mean; None: another one."""
    text = ascii_lower(word).replace("-", "_").replace(" ", "_")
    for action, parts in _WORDS:
        if any(part in text for part in parts):
            return action or None
    return None


def quantity(profiles: Sequence[Profile]) -> Profile | None:
    """The column of a quantity that is negative at times."""
    for profile in profiles:
        is_named = any(part in plain_name(profile.label) for part in QUANTITY)
        if is_named and profile.is_number and any(text.startswith("-") for text in profile.texts):
            return profile
    return None
