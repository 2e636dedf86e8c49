"""What a proposed mapping says of values: times, prices and words for nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from spark.sample.hints import currency_signs, price_format
from spark.sample.profile import ENOUGH, Profile
from spark.sample.proposal_text import Proposal, quoted, quoted_step

SERIAL_DAY = re.compile(r"[3-6][0-9]{4}(\.[0-9]{1,20})?")  # 1982 to 2091
ODD_NOTHINGS = ("-", "--", "na", "(none)", "(empty)", "unknown", "?", "missing", "-1")


def propose_times(proposal: Proposal, profiles: Sequence[Profile], found: Mapping[str, Profile]) -> None:
    time = found.get("event_time")
    if time is None:
        return
    forms = time.time_formats
    if not forms and time.day_formats:
        forms = time.day_formats
        clock = next((one for one in profiles if one.is_time_of_day and one not in found.values()), None)
        if clock is not None:
            _join_day_and_time(proposal, time, clock)
            return
        after = [
            one
            for one in profiles
            if one.is_whole and "time" in one.label.lower() and one not in found.values()
            if one.time_formats != [None]  # a time of its own is none after a day
        ]
        if after and not time.steps:
            more = after[0]
            path = f", json = [{', '.join(map(quoted_step, more.steps))}]" if more.steps else ""
            terms = f'[{quoted(time.name)}, {{ column = {quoted(more.name)}{path}, unit = "ms" }}]'
            proposal.source_instead(time.name, "event_time", f"event_time = {{ sum = {terms} }}")
            proposal.note(
                "fields", f"DOUBTFUL: {after[0].name} looks like a time after the day; is the unit right?"
            )
            proposal.add("time", 'time_of_day = "00:00"')
        else:
            proposal.add(
                "time", 'time_of_day = "12:00"', f"{time.name} is a day alone: which hour stands for it?"
            )
    if time.texts and not forms:
        _propose_other_times(proposal, time)
        return
    if None not in forms and forms:
        others = f"; {', '.join(str(form) for form in forms[1:])} would do, too" if len(forms) > 1 else ""
        proposal.add(
            "time", f"format = {quoted(str(forms[0]))}", f"the first that fits{others}" if others else None
        )
    if not any("z" in str(form) for form in forms) and not time.share(_names_zone) > 0.5:
        proposal.note("time", 'zone = "Europe/Berlin"   # the times name no zone: UTC unless given')


def _propose_other_times(proposal: Proposal, time: Profile) -> None:
    if time.share(lambda text: SERIAL_DAY.fullmatch(text) is not None) >= ENOUGH and not time.steps:
        days = f'[{{ constant = "1899-12-30" }}, {{ column = {quoted(time.name)}, unit = "d" }}]'
        proposal.source_instead(time.name, "event_time", f"event_time = {{ sum = {days} }}")
        proposal.note("fields", f"DOUBTFUL: {time.name} looks like the days of a spreadsheet, from 1900 on.")
        proposal.add("time", 'time_of_day = "00:00"')
        return
    proposal.note("time", f"MISSING: format. None that is known fits '{time.texts[0][:60]}'.")


def _names_zone(text: str) -> bool:
    return text.isdigit() or text[-1:] in "Zz" or "+" in text[10:] or "UTC" in text or "-" in text[19:]


def _join_day_and_time(proposal: Proposal, day: Profile, clock: Profile) -> None:
    line = f"event_time = {{ join = [{quoted(day.name)}, {quoted(clock.name)}] }}"
    proposal.source_instead(day.name, "event_time", line)
    (form, *others) = [form for form in day.day_formats if form is not None] or ["%Y-%m-%d"]
    seconds = ":%S" if next(iter(clock.texts)).count(":") > 1 else ""
    hours = f"%I:%M{seconds} %p" if clock.texts[0][-1:] in "mM" else f"%H:%M{seconds}"
    doubt = f"{', '.join(others)} would do, too" if others else None
    proposal.add("time", f"format = {quoted(f'{form} {hours}')}", doubt)


def propose_prices(proposal: Proposal, price: Profile | None) -> None:
    if price is None:
        return
    signs = currency_signs(price.texts)
    bare = list(price.texts)
    for sign in signs:
        bare = [text.removeprefix(sign).removesuffix(sign).strip() for text in bare]
    odd = [text for text in bare if not text.replace(".", "", 1).lstrip("+-").isdigit()]
    form = price_format(odd)
    if form is not None and form.decimal != ".":
        proposal.add("price", f"decimal = {quoted(form.decimal)}")
    if form is not None and form.grouping:
        proposal.add("price", f"grouping = {quoted(form.grouping)}")
    if signs:
        proposal.add("price", f"currency = [{', '.join(map(quoted, signs))}]")
    if price.is_whole and all(len(text) >= 3 for text in price.counts if text != "0"):
        proposal.note("price", "scale = 0.01   # the prices are whole numbers: cents? (micros: 0.000001)")


def propose_nothing(proposal: Proposal, found: Mapping[str, Profile]) -> None:
    words = {
        word
        for name, profile in found.items()
        if name not in ("action_type", "event_time")
        for word in profile.counts
        if word.lower() in ODD_NOTHINGS
    }
    if words:
        line = f"also_nothing = [{', '.join(map(quoted, sorted(words)))}]"
        proposal.add("values", line, "these look like words for no value")
