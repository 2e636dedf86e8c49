"""Dagster's programs that live and do nothing: a frozen daemon, a webserver or a code server that does not answer.

It says when patience is over. Programs that ended are started again anyway (`processes`); a stream that hangs is the
supervisor's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from clickstream_assets.monitoring.dagster_state import DAEMON_SILENT_AFTER, DagsterState
from clickstream_assets.text import duration
from clickstream_assets.up.dagster import CODE_SERVER, DAEMON, WEBSERVER, Health

CODE_SERVER_LOOKS = 3  # in a row without an answer; a reload takes some seconds
WEBSERVER_LOOKS = 6  # it answers late where the machine is busy
GRACE = 90.0  # seconds after a start in which nothing is expected yet


@dataclass
class Hangs:
    """What was seen of the programs. `began` and `now` are of a monotonic clock, in seconds."""

    began: float
    _missed: dict[str, int] = field(default_factory=dict)  # looks in a row without an answer
    _restarted: dict[str, float] = field(default_factory=dict)

    def look(
        self, health: Health, state: DagsterState | None, *, code_server_answers: bool, now: float
    ) -> dict[str, str]:
        """The programs to be started again, each with what is wrong with it, as a clause."""
        silent = (state.daemon_age if state else None) or 0.0
        found = {
            WEBSERVER: self._misses(WEBSERVER, health.answers) >= WEBSERVER_LOOKS,
            CODE_SERVER: self._misses(CODE_SERVER, code_server_answers and not health.unreachable)
            >= CODE_SERVER_LOOKS,
            DAEMON: silent > DAEMON_SILENT_AFTER,
        }
        words = {DAEMON: f"has not been heard of for {duration(silent)}"}
        over = [name for name, is_over in found.items() if is_over and self._had_its_time(name, now)]
        for name in over:
            self._missed[name], self._restarted[name] = 0, now
        return {name: words.get(name, "does not answer") for name in over}

    def _misses(self, name: str, answers: bool) -> int:
        self._missed[name] = 0 if answers else self._missed.get(name, 0) + 1
        return self._missed[name]

    def _had_its_time(self, name: str, now: float) -> bool:
        return now - self._restarted.get(name, self.began) > GRACE
