"""The streams of a soak: started again whenever one ends, as the supervisor does; and why each ended."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from soak_place import SoakPlace
from stream_program import Stream, start_stream

from clickstream_assets.outages.last_words import read_last_words
from clickstream_assets.outages.stream_waits import read_waits

RESTART_SECONDS = 5.0  # until the supervisor starts a stream again
SETTINGS = {"CLICKSTREAM_UNREADABLE_SECONDS": "5"}
STOP_LIMIT = 120.0  # seconds
SAID = "clickstream stream: "


@dataclass
class Streams:
    """`say` gets each line of the report; `wrong` what is not as it should be."""

    place: SoakPlace
    say: Callable[[str], None]
    wrong: list[str]
    all: list[Stream] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)  # the drivers that a fault ended
    longest_wait: dict[str, float] = field(default_factory=dict)
    through_pooler: bool = False

    @property
    def newest(self) -> Stream:
        return self.all[-1]

    def start(self) -> None:
        place = self.place
        url = place.pooled_url if self.through_pooler else place.writer_url
        number = len(self.all) + 1
        self.all.append(
            start_stream(url, place.home, place.events, number, available_now=False, extra=SETTINGS)
        )

    def look(self) -> None:
        """Note what the stream waits for, and start it again where it has ended."""
        waits = read_waits(self.place.home)
        if waits is not None:
            seconds = time.time() - waits.since
            self.longest_wait[waits.what] = max(seconds, self.longest_wait.get(waits.what, 0.0))
        if self.newest.has_ended():
            self.note_end()
            time.sleep(RESTART_SECONDS)
            self.start()

    def stop(self) -> None:
        """Ask the newest one to end. `look` starts the next."""
        self.killed.add(self.newest.process.pid)
        self.newest.process.send_signal(signal.SIGTERM)
        try:
            self.newest.process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self.wrong.append(f"stream {len(self.all)} did not end within {STOP_LIMIT:.0f} s of a SIGTERM")
            self.newest.process.kill()
            self.newest.process.wait()

    def note_end(self) -> None:
        """The cause: a fault of ours ended it, or its last line says why."""
        process, last = self.newest.process, self.newest.last_line()
        words = read_last_words(self.place.home)
        if process.pid in self.killed:
            code = process.returncode
            cause = f"killed by {signal.Signals(-code).name}" if code < 0 else f"asked to; exit code {code}"
        elif last.startswith(SAID) and words is not None and words.pid == process.pid:
            cause = last.removeprefix(SAID)
        else:
            cause = f"WITHOUT A CAUSE, exit code {process.returncode}: {last}"
            self.wrong.append(f"an end without a cause: {last}")
        self.ends.append(cause)
        self.say(f"    stream {len(self.all)} ended with {process.returncode}: {cause}")

    def kill_all(self) -> None:
        for stream in self.all:
            if not stream.has_ended():
                stream.process.kill()
                stream.process.wait()
