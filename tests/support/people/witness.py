"""A witness of what is done to a running stack, who compares what is shown with what is so.

He knows by himself: which drivers live (the process table), what was switched off (the hammer did it), which files wait
and for how long (the disk, and one query). What is shown is Dagster's whole graph, the status and the alerts.
"""

from __future__ import annotations

import time

from alert_receiver import Receiver
from hammer import Done, drivers
from lies import ALIVE, LIE_AFTER, Shown, Truth, wrong
from shown_graph import ShownAsset, read_graph, wrong_graph
from up_stack import Up
from waiting_by_sql import oldest_waiting_seconds

from clickstream_assets.checks.event_checks import EVENT_CHECKS, measure
from clickstream_assets.monitoring.dagster_state import read_dagster_state
from clickstream_assets.monitoring.status import Status, read_status
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings

# Of the others the witness measures what they should show; this one reads the tables, and `verify` is asked at the end.
MEASURED = [name for name in EVENT_CHECKS if name != "conservation"]
GRAPH_EVERY = 5.0  # seconds: a look at the whole graph keeps the webserver busy
LOADING_AFTER = 150.0  # seconds of a well stream after which everything is reported and refreshed


class Witness:
    """Looks at everything, and keeps what was shown wrongly for too long."""

    def __init__(self, up: Up, done: Done, receiver: Receiver) -> None:
        self._up, self._done, self._receiver = up, done, receiver
        settings = Settings.from_env({"CLICKSTREAM_HOME": str(up.home)})
        self._settings = settings
        self._connections = Connections(settings, "tests")
        self._since: dict[str, float] = {}
        self._last_gone = time.time()  # when the stream was last seen to be away or ill, seconds since 1970
        self._graph: dict[str, ShownAsset] = {}
        self._graph_at = float("-inf")
        self._alerts_seen = 0
        self.lies: dict[str, float] = {}  # with the seconds that each has lasted
        self.looks = 0
        self.states: list[str] = []

    def look(self) -> Status:
        """One look at all; what has been wrong for too long becomes a lie."""
        with self._connections.open("reader") as connection:
            status = read_status(
                connection,
                self._settings.events_directory,
                dagster=read_dagster_state(self._connections),
                home=self._settings.home,
            )
            oldest = oldest_waiting_seconds(connection, self._settings.events_dir)
            measured = {name: measure(name, connection, self._settings).verdict for name in MEASURED}
        living = drivers(self._up)
        if time.monotonic() - self._graph_at > GRAPH_EVERY:
            self._graph, self._graph_at = read_graph(self._up), time.monotonic()
        complaints = status.dagster.complaints if status.dagster else ()
        now, state = time.time(), status.decision.state
        frozen = [now - since for since in self._done.frozen.values()]
        off = {name: now - since for name, since in self._done.off.items()}
        if len(living) != 1 or state not in ALIVE:
            self._last_gone = now
        is_loading = now - self._last_gone > LOADING_AFTER and oldest < LIE_AFTER
        shown = Shown(state, status.lease.lock_held, complaints, self._graph["events"].checks)
        truth = Truth(len(living), oldest, frozenset(off), max(frozen, default=None), is_loading, off)
        self.looks += 1
        if not self.states or self.states[-1].split(" ", 1)[1] != str(state):
            self.states.append(f"{time.strftime('%H:%M:%S')} {state}")
        found = dict(wrong(shown, truth)) | dict(wrong_graph(self._graph, truth, measured, now))
        for what, limit in found.items():
            self._note(what, limit)
        self._since = {what: since for what, since in self._since.items() if what in found}
        self._judge_alerts()
        return status

    def _note(self, what: str, limit: float) -> None:
        lasted = time.monotonic() - self._since.setdefault(what, time.monotonic())
        if lasted > limit:
            self.lies[what] = lasted

    def _judge_alerts(self) -> None:
        """An alert about the stream is right while it is away, and up to LIE_AFTER later."""
        for at, alert in self._receiver.alerts[self._alerts_seen :]:
            for message in alert["attachments"]:
                fields = {field["title"]: field["value"] for field in message["fields"]}
                age = at - self._last_gone
                if (fields["subject"], fields["status"]) == ("stream", "error") and age > LIE_AFTER:
                    self.lies[f"alert: {fields['detail']}"] = age
        self._alerts_seen = len(self._receiver.alerts)

    def is_well(self) -> bool:
        """Whether all is shown as it is when nobody hammers."""
        status = self.look()
        complaints = status.dagster.complaints if status.dagster else ("Dagster's database cannot be read",)
        return (
            status.decision.state in ALIVE
            and len(drivers(self._up)) == 1
            and not complaints
            and not status.decision.unsupervised
            and not self._since
            and (status.waiting.oldest_age_seconds or 0.0) < LIE_AFTER
        )
