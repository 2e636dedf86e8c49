"""Alerts: from what is wrong now to the messages that are new. Pure: no clock, no network, no Dagster.

It has the state that the sensor keeps in its cursor, when a message is due, and how a message reads.

One message when a subject turns bad, one when it is bad in another way, one when it is well again; none while it
stays as it is. What could not be sent waits, in order, and is sent together.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from clickstream_assets.settings.values import AlertLevel
from clickstream_assets.text import duration

MOST_PENDING = 100  # messages that wait for a receiver; the oldest are given up, and counted
MOST_TOGETHER = 20  # messages in one request
FIRST_RETRY = 15.0  # seconds, doubled with every failure
LONGEST_RETRY = 300.0
TEXT_LENGTH = 700  # characters of one message's sentence

COLOURS = {"error": "danger", "warn": "warning", "recovered": "good"}


@dataclass(frozen=True)
class Condition:
    """One thing that is wrong now. `kind` in another word is another message."""

    subject: str
    kind: str
    level: AlertLevel
    text: str
    after_seconds: float = 0.0  # how long it must last before anyone is told
    link: str | None = None


@dataclass(frozen=True)
class Findings:
    """What is wrong at one moment, and what nothing can be said about, which stays as it was. They add up."""

    conditions: tuple[Condition, ...] = ()
    unknown: frozenset[str] = frozenset()
    # By subject: how it is, for the message of its recovery.
    well: Mapping[str, str] = field(default_factory=dict)

    def __add__(self, other: Findings) -> Findings:
        return Findings(
            self.conditions + other.conditions, self.unknown | other.unknown, {**self.well, **other.well}
        )


@dataclass
class Raised:
    """A condition that was seen. `told`: there was a message about it."""

    kind: str
    since: float
    told: bool


@dataclass
class Message:
    """One change. `status` is error, warn or recovered; `at` is in seconds since 1970."""

    status: str
    subject: str
    text: str
    at: float
    lasted: float | None = None
    link: str | None = None


@dataclass
class FailedRun:
    """The last failed run of a job, or of a choice of assets, that has not succeeded since."""

    run_id: str
    text: str
    at: float
    assets: list[str]  # empty: a job


@dataclass
class AlertState:
    """What the sensor remembers from tick to tick."""

    raised: dict[str, Raised] = field(default_factory=dict)
    failed_runs: dict[str, FailedRun] = field(default_factory=dict)
    runs_until: float = 0.0  # the newest end of a run that was seen
    runs_seen: list[str] = field(default_factory=list)  # the newest of them
    pending: list[Message] = field(default_factory=list)
    attempts: int = 0  # in a row that failed
    next_attempt_at: float = 0.0
    last_error: str = ""
    given_up: int = 0

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    def take(self, look: Findings, now: float) -> None:
        """Note what is wrong now; messages that are due are added to `pending`."""
        seen = {condition.subject: condition for condition in look.conditions}
        for subject, condition in seen.items():
            before = self.raised.get(subject)
            since = before.since if before else now
            was_told = before is not None and before.told
            if was_told and before is not None and before.kind == condition.kind:
                continue
            is_due = was_told or now - since >= condition.after_seconds
            if is_due:
                self._add(Message(condition.level, subject, condition.text, now, link=condition.link))
            self.raised[subject] = Raised(condition.kind, since, is_due)
        for subject in self.raised.keys() - seen.keys() - look.unknown:
            raised = self.raised.pop(subject)
            if raised.told:
                text = look.well.get(subject, "It is well again.")
                self._add(Message("recovered", subject, text, now, lasted=now - raised.since))

    def batch(self, now: float) -> list[Message]:
        """What is to be sent now, in one request; nothing while a pause lasts."""
        pause = self.next_attempt_at - now  # one beyond the longest comes from a clock that was set back
        return [] if 0 < pause <= LONGEST_RETRY else self.pending[:MOST_TOGETHER]

    def delivered(self, messages: Sequence[Message]) -> None:
        self.pending = self.pending[len(messages) :]
        self.attempts, self.next_attempt_at, self.last_error, self.given_up = 0, 0.0, "", 0

    def not_delivered(self, error: str, now: float) -> None:
        self.attempts += 1
        self.last_error = error
        pause = min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(self.attempts - 1, 10))
        self.next_attempt_at = now + pause

    def _add(self, message: Message) -> None:
        self.pending.append(message)
        too_many = len(self.pending) - MOST_PENDING
        if too_many > 0:
            self.pending = self.pending[too_many:]
            self.given_up += too_many


def payload(messages: Iterable[Message], given_up: int = 0) -> dict[str, Any]:
    """The request's body: `text` is all that a receiver must understand, `attachments` are Slack's form of fields.

    Slack, Mattermost, Rocket.Chat and Discord (at `/slack`) take it.
    """
    messages = list(messages)
    lines = [_line(message) for message in messages]
    if given_up:
        lines.append(f"{given_up} older messages could not be delivered and were given up.")
    return {
        "text": "\n".join(lines),
        "attachments": [
            {
                "color": COLOURS[message.status],
                "fallback": _line(message),
                "ts": int(message.at),
                "fields": [
                    {"title": "status", "value": message.status, "short": True},
                    {"title": "subject", "value": _plain(message.subject), "short": True},
                    {"title": "detail", "value": _plain(message.text), "short": False},
                    *([{"title": "see", "value": message.link, "short": False}] if message.link else []),
                ],
            }
            for message in messages
        ],
    }


def _line(message: Message) -> str:
    word = "OK" if message.status == "recovered" else message.status.upper()
    lasted = f" (after {duration(message.lasted)})" if message.lasted is not None else ""
    return f"[{word}] {_plain(message.subject)}: {_plain(message.text)}{lasted}"


def _plain(text: str) -> str:
    """One line that a chat shows as it is: file names must neither mention everyone nor become links."""
    text = "".join(character if character.isprintable() else " " for character in text)
    if len(text) > TEXT_LENGTH:
        text = text[: TEXT_LENGTH - 1] + "…"
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("@", "@\u200b")
