"""[columns], [actions] and [events] of a source mapping: names of columns and actions, and what a row may lack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from clickstream_assets.contract import CANONICAL_ACTIONS, FIELDS, REQUIRED
from spark.mapping.letters import BLANKS, ascii_lower
from spark.mapping.source_mapping import MAX_COLUMNS
from spark.mapping.sources import Source
from spark.mapping.tables import Place, list_of, table_of, texts_of

MOST_WORDS = 1_000
MAX_ACTION_CHARACTERS = 100


class EventRules(NamedTuple):
    """What [events] says."""

    other_actions: tuple[str, ...]  # as they are stored
    optional: frozenset[str]  # fields that a row may lack
    identity: tuple[str, ...]  # names of columns


def read_events(tables: Mapping[str, Any], fields: Mapping[str, Source | None], place: Place) -> EventRules:
    """Raises: SettingsError: something means nothing; so do the others here."""
    events = table_of(tables, "events", place, ("other_actions", "optional", "identity"))
    within = place.within("events")
    return EventRules(
        _other_actions(events, within), _optional(events, fields, within), _identity(events, within)
    )


def read_columns(
    tables: Mapping[str, Any], fields: Mapping[str, Source | None], place: Place
) -> dict[str, str]:
    """[columns]: our field by their name of the column."""
    columns = _names(tables, "columns", FIELDS, place)
    for name, our in columns.items():
        if our in fields:
            place.refuse(f"[columns] and [fields] both say what {our} is ('{name}'): keep one of them.")
    return columns


def read_actions(tables: Mapping[str, Any], other: tuple[str, ...], place: Place) -> dict[str, str]:
    """[actions]: our action by their word; `other` are those of [events]."""
    found = _names(tables, "actions", (*CANONICAL_ACTIONS, *other), place)
    for word, our in found.items():
        if word in CANONICAL_ACTIONS and word != our:
            place.within("actions").refuse(f"'{word}' is an action of ours already.")
        if word in map(ascii_lower, other) and word != ascii_lower(our):
            place.within("actions").refuse(
                f"'{word}' is '{our}' here, and an action of its own in [events] other_actions: keep one of them."
            )
    return found


def _names(tables: Mapping[str, Any], table: str, ours: Sequence[str], place: Place) -> dict[str, str]:
    found: dict[str, str] = {}
    within = place.within(table)
    for theirs, our in texts_of(tables, table, place).items():
        # Words are compared without case in ASCII alone, as values are; names of columns wherever there is case.
        name = ascii_lower(theirs.strip(BLANKS)) if table == "actions" else theirs.strip().lower()
        if our not in ours:
            within.refuse(f"'{our}' is none of {', '.join(ours)}.")
        if name in found:
            within.refuse(f"'{name}' is there twice; upper and lower case are the same.")
        found[name] = our
    return found


def _other_actions(events: Mapping[str, Any], place: Place) -> tuple[str, ...]:
    names = tuple(
        name.strip(BLANKS) for name in list_of(events, "other_actions", place, '["search", "login"]') or ()
    )
    if len(names) > MOST_WORDS:
        place.refuse(
            f"other_actions has {len(names):,} names, over {MOST_WORDS:,}: is that the right column?"
        )
    for name in names:
        if not 1 <= len(name) <= MAX_ACTION_CHARACTERS or "\0" in name:
            place.refuse(
                f"other_actions: a name has 1 to {MAX_ACTION_CHARACTERS} characters, not {len(name)}."
            )
        if ascii_lower(name) in CANONICAL_ACTIONS:
            place.refuse(f"other_actions: '{name}' is an action of ours already.")
        if [ascii_lower(other) for other in names].count(ascii_lower(name)) > 1:
            place.refuse(f"other_actions: '{name}' is there twice; upper and lower case are the same.")
    return names


def _optional(events: Mapping[str, Any], fields: Mapping[str, Source | None], place: Place) -> frozenset[str]:
    names = list_of(events, "optional", place, '["session_id"]') or ()
    needed = ("action_type", "event_time")
    for name in names:
        if name not in FIELDS:
            place.refuse(f"optional: '{name}' is none of {', '.join(FIELDS)}.")
        if name in needed:
            place.refuse(f"optional: no event is without {name}; give a constant in [fields].")
    for name in needed:
        if name in fields and fields[name] is None:
            place.refuse(f"[fields] {name} = false: no event is without it; give a constant.")
    return frozenset(names) | {name for name in REQUIRED if name in fields and fields[name] is None}


def _identity(events: Mapping[str, Any], place: Place) -> tuple[str, ...]:
    names = tuple(name.strip() for name in list_of(events, "identity", place, '["quantity"]') or ())
    if not all(names) or len(set(names)) < len(names) or len(names) > MAX_COLUMNS:
        place.refuse("identity takes names of columns, each once.")
    return names
