"""When an alert is sent: once a change. Guards against a message a tick, and against a change that nobody hears of."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from clickstream_assets.alerts.state import (
    LONGEST_RETRY,
    MOST_PENDING,
    MOST_TOGETHER,
    AlertState,
    Condition,
    Findings,
    Message,
    payload,
)

BAD = Condition("check freshness of events", "error", "error", "7 files are waiting.")
DEAD = Condition("stream", "dead", "error", "The stream is dead.", after_seconds=60.0)


def told(state: AlertState, look: Findings, now: float) -> list[tuple[str, str]]:
    """What is new on this tick, all of it delivered; the state goes through the cursor as in the daemon."""
    copy = TypeAdapter(AlertState).validate_json(state.to_json())
    assert copy == state
    state.take(look, now)
    messages = state.batch(now)
    state.delivered(messages)
    return [(message.subject, message.status) for message in messages]


def test_a_condition_is_told_once_and_its_recovery_once() -> None:
    state = AlertState()
    assert told(state, Findings((BAD,)), 0) == [(BAD.subject, "error")]
    assert told(state, Findings((BAD,)), 15) == []
    state.take(Findings((), well={BAD.subject: "No file is waiting."}), 30)
    (message,) = state.pending
    assert (message.status, message.text, message.lasted) == ("recovered", "No file is waiting.", 30)
    state.delivered([message])
    assert told(state, Findings(()), 45) == []
    assert state == AlertState()


def test_being_bad_in_another_way_is_told_again() -> None:
    state = AlertState()
    stuck = Condition("stream", "stuck", "error", "The stream is stuck.")
    assert told(state, Findings((stuck,)), 0) == [("stream", "error")]
    assert told(state, Findings((DEAD,)), 15) == [("stream", "error")], "it was told before: no grace"
    assert told(state, Findings((DEAD,)), 30) == []


def test_what_passes_within_its_grace_is_told_to_nobody() -> None:
    state = AlertState()
    assert told(state, Findings((DEAD,)), 0) == []
    assert told(state, Findings((DEAD,)), 59) == []
    assert told(state, Findings(()), 60) == []
    assert told(state, Findings((DEAD,)), 70) == [], "it begins anew"
    assert told(state, Findings((DEAD,)), 130) == [("stream", "error")]


def test_what_cannot_be_known_stays_as_it_was() -> None:
    state = AlertState()
    told(state, Findings((BAD,)), 0)
    assert told(state, Findings((), unknown=frozenset({BAD.subject})), 15) == []
    assert told(state, Findings((BAD,)), 30) == []
    assert told(state, Findings(()), 45) == [(BAD.subject, "recovered")]


def test_what_is_not_delivered_waits_in_order_with_growing_pauses() -> None:
    state = AlertState()
    state.take(Findings((BAD,)), 0)
    pauses = []
    now = 0.0
    for _ in range(8):
        assert state.batch(now)
        state.not_delivered("HTTP 500", now)
        assert state.batch(now + 1) == []
        pauses.append(state.next_attempt_at - now)
        now = state.next_attempt_at
    assert pauses[:3] == [15.0, 30.0, 60.0]
    assert pauses[-1] == LONGEST_RETRY
    state.take(Findings(()), now)
    assert [message.status for message in state.batch(now)] == ["error", "recovered"]
    state.delivered(state.batch(now))
    assert (state.attempts, state.last_error, state.pending) == (0, "", [])


def test_a_receiver_that_is_away_for_long_costs_the_oldest_messages_and_says_so() -> None:
    state = AlertState()
    for number in range(MOST_PENDING + 5):
        state.take(Findings((Condition(f"job {number}", "x", "error", "failed"),)), number)
    assert len(state.pending) == MOST_PENDING
    assert state.given_up > 0
    batch = state.batch(1e9)
    assert len(batch) == MOST_TOGETHER
    assert "given up" in payload(batch, state.given_up)["text"]


def test_the_body_is_what_slack_takes_and_file_names_stay_names() -> None:
    hostile = "<!channel> @here <http://evil|click> & \n\x1b[31m" + "x" * 5000
    body = payload(
        [Message("error", "check freshness of events", hostile, 1e9, link="http://127.0.0.1/runs/1")]
    )
    assert json.loads(json.dumps(body)) == body
    assert body["text"].startswith("[ERROR] check freshness of events: &lt;!channel&gt; @\u200bhere &lt;http")
    assert "\n" not in body["text"]
    assert len(body["text"]) < 1000
    (attachment,) = body["attachments"]
    assert attachment["color"] == "danger"
    assert [field["title"] for field in attachment["fields"]] == ["status", "subject", "detail", "see"]


@pytest.mark.parametrize(
    ("status", "word"), [("error", "[ERROR]"), ("warn", "[WARN]"), ("recovered", "[OK]")]
)
def test_the_first_word_says_how_bad_it_is(status: str, word: str) -> None:
    line = payload([Message(status, "stream", "text", 0, lasted=61.0 if status == "recovered" else None)])[
        "text"
    ]
    assert line.startswith(word)
    assert line.endswith("(after 1 min 1 s)") == (status == "recovered")
