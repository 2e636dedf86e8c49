"""The sensor `alerts`: tells a webhook what went wrong and what is well again.

One tick: what is wrong (`alerts.facts`), what of it is new (`alerts.state`), sending it (`alerts.webhook`).
"""

import time

import dagster as dg

from clickstream_assets.alerts.facts import look
from clickstream_assets.alerts.state import AlertState, payload
from clickstream_assets.alerts.webhook import deliver
from clickstream_assets.checks.event_checks import EVENT_CHECKS
from clickstream_assets.checks.judgement import EVENTS
from clickstream_assets.checks.matches_events import CHECK
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.sensors.cursors import remembered
from clickstream_assets.settings import Settings
from clickstream_assets.summaries.refresh import NAMES

ALERTS_TICK, IDLE_TICK = 15, 600  # seconds
CHECKS = [
    # The stream is a subject of its own, which knows its runs as well.
    *(dg.AssetCheckKey(EVENTS, name) for name in EVENT_CHECKS if name != "stream_alive"),
    *(dg.AssetCheckKey(dg.AssetKey(name), CHECK) for name in NAMES),
]


def _sensor(interval: int) -> dg.SensorDefinition:
    @dg.sensor(
        name="alerts",
        minimum_interval_seconds=interval,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Posts failed checks, a stream that is dead, stuck or crash-looping, and failed runs to "
        "CLICKSTREAM_ALERT_WEBHOOK_URL: once when it turns bad, once when it is well again. Its history says what "
        "could not be delivered.",
    )
    def alerts(
        context: dg.SensorEvaluationContext,
        database: dg.ResourceParam[Connections],
        settings: dg.ResourceParam[Settings],
    ) -> dg.SensorResult:
        if settings.alert_webhook_url is None:
            return dg.SensorResult(skip_reason="No webhook is set (CLICKSTREAM_ALERT_WEBHOOK_URL).")
        now = time.time()
        state = remembered(context, AlertState)
        state.take(look(context.instance, database, settings, CHECKS, state, now), now)
        said = _send(context, state, settings.alert_webhook_url.get_secret_value(), now)
        return dg.SensorResult(skip_reason=said, cursor=state.to_json())

    return alerts


alerts = _sensor(ALERTS_TICK)
# Without a receiver it has nothing to do, and each tick is a row in Dagster's storage.
alerts_without_receiver = _sensor(IDLE_TICK)


def _send(context: dg.SensorEvaluationContext, state: AlertState, url: str, now: float) -> str:
    """Send what is due, in one request; returns what happened. A receiver that is away fails no tick."""
    messages = state.batch(now)
    if not messages:
        return (
            _waiting(state, now)
            if state.pending
            else f"{len(state.raised)} things are wrong, and nothing is new."
        )
    error = deliver(url, payload(messages, state.given_up))
    if error is None:
        state.delivered(messages)
        subjects = ", ".join(f"{message.subject} ({message.status})" for message in messages)
        return f"Sent: {subjects}."
    state.not_delivered(error, now)
    context.log.error(f"{len(state.pending)} alerts are not delivered: {error}.")
    return _waiting(state, now)


def _waiting(state: AlertState, now: float) -> str:
    pause = max(0.0, state.next_attempt_at - now)
    given_up = f", {state.given_up} older ones were given up" if state.given_up else ""
    return (
        f"{len(state.pending)} alerts are NOT delivered{given_up}: {state.last_error}; attempt {state.attempts + 1} "
        f"in {pause:.0f} s."
    )
