"""A first source mapping for a sample, as TOML: what is in doubt stands there with the reason of the doubt.

Pure: from profiles of columns to a text. What is known by its name needs no line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clickstream_assets.contract import REQUIRED
from spark.cleaning.vocabulary import ACTIONS
from spark.mapping.event_tables import MAX_ACTION_CHARACTERS
from spark.mapping.file_plan import FilePlan
from spark.mapping.letters import ascii_lower
from spark.mapping.names import rivals
from spark.mapping.source_mapping import UNMAPPED
from spark.mapping.sources import Column
from spark.reading.header import FIELDS
from spark.sample.guesses import MOST_ACTIONS, action_of, by_name, fits, quantity
from spark.sample.profile import Profile
from spark.sample.proposal_text import Proposal, quoted, quoted_step
from spark.sample.proposed_values import propose_nothing, propose_prices, propose_times


def propose(
    columns: Sequence[str],
    profiles: Sequence[Profile],
    *,
    has_header: bool = True,
    action: str | None = None,
    is_json: bool = False,
) -> Proposal:
    """A mapping for files with these columns. Without a header, `columns` are names that were made up; `action`: what
    the names of the files speak of; `is_json`: of which lists can be taken apart."""
    proposal = Proposal()
    if not has_header:
        names = ", ".join(map(quoted, columns))
        proposal.add(
            "format", f"header = [{names}]", "the first line looks like a row; give the columns their names"
        )
    plan = FilePlan.of(columns, UNMAPPED)
    found: dict[str, Profile] = {}
    for name, source in zip(FIELDS, plan.sources, strict=True):
        if isinstance(source, Column):
            found[name] = next(
                one for one in profiles if one.name == columns[source.at].strip() and not one.steps
            )
    guesses: dict[str, Profile] = {}
    for name in (*REQUIRED, "price", "user_agent"):
        is_empty = name in found and not found[name].texts  # as a key that no object of JSON has
        if (name not in found or is_empty) and (guess := _guess(name, profiles, found)) is not None:
            found[name] = guesses[name] = guess
    items = _items(guesses["product_id"]) if is_json and "product_id" in guesses else ()
    for name, guess in guesses.items():
        _add_source(proposal, name, _of_item(guess, items))
    if items:
        doubt = (
            f"an event for each item of {'.'.join(items)}; without this line all but the first are left out"
        )
        text = f"[{', '.join(map(quoted, items))}]"
        proposal.add("format", f"items = {text}", doubt)
    _known(proposal, columns, plan, found)
    propose_times(proposal, profiles, found)
    _actions(proposal, profiles, found, action)
    propose_prices(proposal, found.get("price"))
    _missing(proposal, found)
    propose_nothing(proposal, found)
    return proposal


def _known(proposal: Proposal, columns: Sequence[str], plan: FilePlan, found: dict[str, Profile]) -> None:
    """What needs no line, and which other columns the names could mean."""
    others = rivals(columns, plan.positions_of_fields)
    for name, source in zip(FIELDS, plan.sources, strict=True):
        if not isinstance(source, Column) or found[name].name != columns[source.at].strip():
            continue
        if found[name].texts:
            text = f"{name} is {found[name].name}, by its name."
            if more := [columns[at].strip() for at in others.get(name, ())]:
                text = f"DOUBTFUL: {text[:-1]}; or is it {' or '.join(more)}? [columns] decides."
            proposal.known.append(text)


def _guess(name: str, profiles: Sequence[Profile], found: dict[str, Profile]) -> Profile | None:
    taken = list(found.values())
    names = {(one.name.lower(), one.steps) for one in taken}  # one that is there twice can be named once
    left = [one for one in profiles if one not in taken and (one.name.lower(), one.steps) not in names]
    candidates = [one for one in by_name(left, name, taken) if fits(name, one)]
    if not candidates and name in ("event_time", "action_type", "user_agent"):
        candidates = [one for one in left if fits(name, one)]
    return candidates[0] if candidates else None


def _items(profile: Profile) -> tuple[str, ...]:
    """The keys to the list whose first item the profile is of; none where there is no such list."""
    keys: list[str] = [profile.name]
    for step in profile.steps:
        if step == 0:
            return tuple(keys)
        if not isinstance(step, str):
            break
        keys.append(step)
    return ()


def _of_item(profile: Profile, items: tuple[str, ...]) -> Profile:
    """The same where the item stands in the place of its list."""
    at = len(items) - 1
    if not items or (profile.name, *profile.steps[: at + 1]) != (*items, 0):
        return profile
    return replace(profile, steps=(*profile.steps[:at], *profile.steps[at + 1 :]))


def _add_source(proposal: Proposal, name: str, guess: Profile) -> None:
    shown = ", ".join(text if len(text) <= 30 else f"{text[:29]}…" for text in list(guess.counts)[:3])
    doubt = f"by the look of it: {shown}"
    if guess.steps:
        proposal.add("fields", f"{name} = {_json_source(guess)}", doubt)
    else:
        proposal.add("columns", f"{quoted(guess.name)} = {quoted(name)}", doubt)


def _json_source(profile: Profile) -> str:
    steps = ", ".join(map(quoted_step, profile.steps))
    return f"{{ column = {quoted(profile.name)}, json = [{steps}] }}"


def _actions(
    proposal: Proposal, profiles: Sequence[Profile], found: dict[str, Profile], action: str | None
) -> None:
    column = found.get("action_type")
    if column is None:
        amount = quantity(profiles)
        if amount is not None:
            case = f'{{ column = {quoted(amount.name)}, below = 0, then = "remove_from_cart" }}'
            proposal.add(
                "fields",
                f'action_type = {{ constant = "purchase", when = [{case}] }}',
                f"no column has actions, and {amount.name} is negative at times: are these purchases and returns?",
            )
        else:
            doubt = (
                "no column has actions: what are these rows?"
                if action is None
                else "as the names of the files say"
            )
            proposal.add("fields", f"action_type = {{ constant = {quoted(action or 'view')} }}", doubt)
        return
    others = []
    seen: set[str] = set()
    for word, number in column.counts.most_common(MOST_ACTIONS):
        if ascii_lower(word) in ACTIONS or ascii_lower(word) in seen or len(word) > MAX_ACTION_CHARACTERS:
            continue
        seen.add(ascii_lower(word))
        ours = action_of(word)
        if ours is None:
            others.append(word)
        else:
            proposal.add("actions", f"{quoted(word)} = {quoted(ours)}", f"a guess, for {number:,} rows")
    if others:
        words = ", ".join(map(quoted, others))
        proposal.add(
            "events",
            f"other_actions = [{words}]",
            "of none of our four: kept under their names",
        )


def _missing(proposal: Proposal, found: dict[str, Profile]) -> None:
    for name in REQUIRED:
        if name in found or name == "action_type":
            continue
        if name == "session_id":
            proposal.add(
                "fields", "session_id = false", "no column looks like a session; an order would be one, too"
            )
        elif name == "user_id":
            proposal.add("fields", 'user_id = { constant = "guest" }', "no column looks like a user")
        elif name == "product_id":
            proposal.add("fields", "product_id = false", "no column looks like a product")
        else:
            proposal.note("fields", f"MISSING: {name}. No column looks like it.")
    lacking = {
        name: 1 - len(found[name].texts) / found[name].rows
        for name in ("user_id", "session_id", "product_id")
        if name in found and len(found[name].texts) < found[name].rows
    }
    if lacking:
        shares = ", ".join(f"{share:.0%} of the rows lack {name}" for name, share in lacking.items())
        names = ", ".join(map(quoted, lacking))
        proposal.note("events", f"optional = [{names}]   # {shares}, and are rejected unless it is said")
