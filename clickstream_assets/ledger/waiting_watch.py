"""Which files wait, from look to look, at the cost of what has changed: the disk against the ledger.

What the ledger says about each file on disk is kept up to date by its new rows and by what is registered now. The
rules are in `waiting`.

What is remembered is a cache. A new process, another ledger under the same address, and time make it anew.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Collection
from datetime import UTC, datetime
from itertools import islice

from psycopg2.extensions import connection as Connection

from clickstream_assets.file_names import EventsDirectory, ledger_path
from clickstream_assets.ledger import file_rows
from clickstream_assets.ledger.disk_folder import Changes, is_measured, parts_of
from clickstream_assets.ledger.disk_view import NEW_SECONDS, DiskView
from clickstream_assets.ledger.file_rows import FileRow, Place, Row
from clickstream_assets.ledger.waiting import EXAMPLES, Verdict, WaitingFiles, verdict_of

REMEMBERED = 600.0  # seconds after which the ledger is asked about every file again

FEW_PATHS = 10_000  # for which the ledger is never read as a whole

# Of a file that waits, one number, as there may be a million: when it landed, in microseconds since 1970, and the id
# of its row, 0 where the ledger has none. The smallest is the oldest.
ID_BITS = 64
_ID_MASK = (1 << ID_BITS) - 1
_NOT_KNOWN_YET = 1 << 62  # microseconds


class WaitingWatch:
    """Watches one directory against one ledger. `look` at the disk, then `compare`: in this order, a file that is
    committed meanwhile does not count as waiting. Several threads may take turns."""

    def __init__(self, directory: EventsDirectory) -> None:
        self._lock = threading.Lock()
        self._source = directory.source
        self._disk = DiskView(directory)
        self._place: Place | None = None
        self._asked_at = 0.0  # monotonic, when the ledger was asked about every file
        self._to_ask: dict[str, None] = {}  # paths, as the system has them
        self._by_ledger_path: dict[str, str] = {}  # of those whose path in the ledger is another
        self._waiting: dict[str, int] = {}
        self._size = 0
        self._registered: dict[int, str] = {}  # of those that wait, by the id of their row
        self._reopened: dict[int, str] = {}  # the same, whose row says that it is done with, in another state
        self._vanished: dict[
            int, str
        ] = {}  # registered, and not on disk as such; paths as the ledger has them
        self._oldest: list[tuple[int, str]] | None = None
        self._listed_at = 0.0  # seconds since 1970
        self._look_seconds = 0.0

    def look(self, new_seconds: float = NEW_SECONDS) -> None:
        """Look at the disk, for about `new_seconds` at files that nobody has looked at."""
        with self._lock:
            begin = time.monotonic()
            self._listed_at = time.time()
            self._note(self._disk.look(new_seconds=new_seconds))
            self._look_seconds = time.monotonic() - begin

    def compare(self, connection: Connection, examples: int = EXAMPLES) -> WaitingFiles:
        """Which files wait, by the ledger that `connection` leads to. At most `examples` paths are named."""
        with self._lock:
            begin = time.monotonic()
            self._follow(connection)
            paths, self._to_ask = self._to_ask, {}
            try:
                self._ask(connection, paths)
            except BaseException:
                self._to_ask |= paths
                raise
            self._disk.look_first(self._waiting)
            self._follow_registered(connection)
            aside = file_rows.set_aside(connection, list(self._reopened)) if self._reopened else []
            return self._result(examples, aside, self._look_seconds + time.monotonic() - begin)

    def landed_last(self) -> int:
        """When the youngest of the waiting files landed, in microseconds since 1970; 0 where none waits."""
        with self._lock:
            return max(self._waiting.values(), default=0) >> ID_BITS

    def landed_until(self, moment: int) -> int:
        """How many of the waiting files had landed by then, in microseconds since 1970."""
        with self._lock:
            limit = (moment + 1) << ID_BITS
            return sum(value < limit for value in self._waiting.values())

    def _note(self, changes: Changes) -> None:
        for path in changes.gone.keys() & self._to_ask.keys():
            del self._to_ask[path]
        for known in (changes.changed, changes.gone):
            for path in known.keys() & self._waiting.keys():
                self._drop(path, known[path])
        if self._place is not None:  # or else all are asked for
            self._to_ask |= dict.fromkeys(changes.changed)
            self._to_ask |= changes.unseen

    def _follow(self, connection: Connection) -> None:
        """The ledger's new rows; everything, where it is another ledger, or was asked long ago."""
        place, before = file_rows.read_place(connection), self._place
        is_same = before is not None and place[:2] == before[:2] and place.last_file_id >= before.last_file_id
        if before is None or not is_same or time.monotonic() - self._asked_at > REMEMBERED:
            for known in (self._waiting, self._registered, self._reopened, self._vanished):
                known.clear()
            self._size, self._oldest = 0, None
            self._to_ask = self._disk.paths()
            self._asked_at = time.monotonic()
        elif place.last_file_id > before.last_file_id:
            for row in file_rows.rows_after(connection, self._source, before.last_file_id):
                self._judge(self._path_of(row), row)
                place = place._replace(last_file_id=max(place.last_file_id, row.file_id))
        self._place = place

    def _ask(self, connection: Connection, paths: Collection[str]) -> None:
        """Judge these files by the newest rows of their paths."""
        if len(paths) > max(FEW_PATHS, self._place.last_file_id if self._place else 0):
            self._ask_for_all(connection, paths)
            return
        remaining = iter(paths)
        while part := list(islice(remaining, file_rows.PATHS_AT_ONCE)):
            names = [path if path.isascii() else self._ledger_path(path) for path in part]
            newest = file_rows.newest_rows(connection, self._source, names)
            for path, name in zip(part, names, strict=True):
                self._judge(path, newest.get(name))

    def _ask_for_all(self, connection: Connection, paths: Collection[str]) -> None:
        """The same of more files than the ledger has rows: most are new, and nobody has looked at them. So that a
        million take no minute, those are not judged one by one."""
        for path in paths:
            if not path.isascii():
                self._ledger_path(path)
        newest = {self._path_of(row): row for row in file_rows.rows_after(connection, self._source, 0)}
        new = dict.fromkeys(self._disk.unseen, _NOT_KNOWN_YET << ID_BITS)
        for path in (new.keys() & newest.keys()) | (new.keys() & self._waiting.keys()):
            del new[path]
        self._waiting = self._waiting | new if self._waiting else new
        self._oldest = None
        for path in [path for path in paths if path not in new]:
            self._judge(path, newest.get(path))

    def _ledger_path(self, path: str) -> str:
        name = ledger_path(path)
        if name != path:
            self._by_ledger_path[name] = path
        return name

    def _follow_registered(self, connection: Connection) -> None:
        """Rows change their status: those that are registered no longer are asked for, and so are those that wait
        although they are done with."""
        assert self._place is not None  # noqa: S101 (`_follow` came first)
        now = file_rows.open_ids(connection, self._source)
        left = [*(self._registered.keys() - now), *self._reopened]
        for row in file_rows.rows_of_ids(connection, left) if left else ():
            self._judge(self._path_of(row), row)
        for file_id in self._vanished.keys() - now:
            del self._vanished[file_id]
        missing = [
            file_id
            for file_id in now - self._registered.keys() - self._reopened.keys() - self._vanished.keys()
            if file_id <= self._place.last_file_id
        ]
        released = []
        for row in file_rows.rows_of_ids(connection, missing) if missing else ():
            state = self._disk.state(self._path_of(row))
            if verdict_of(row, state or b"") is not Verdict.UNKNOWN:
                released.append(self._path_of(row))  # it was held back; or its path has a newer row
            elif row.status == "registered" and row.landed_us < self._listed_at * 1e6:
                self._vanished[row.file_id] = row.path  # a younger one may have landed after the look
        self._ask(connection, released)

    def _path_of(self, row: FileRow) -> str:
        return self._by_ledger_path.get(row.path, row.path)

    def _judge(self, path: str, row: Row | None) -> None:
        """Note what `row`, the newest of this path, says about the file."""
        state = self._disk.state(path)
        if state is None:
            return
        if path in self._waiting:
            self._drop(path, state)
        verdict = verdict_of(row, state)
        if verdict is Verdict.DONE:
            return
        landed, file_id = _NOT_KNOWN_YET, 0
        if is_measured(state):
            _, size, _, changed_ns = parts_of(state)
            self._size += size
            landed = changed_ns // 1000
        if row is not None and verdict is not Verdict.UNKNOWN:
            file_id, landed = row[0], row[-1]
            (self._registered if verdict is Verdict.REGISTERED else self._reopened)[file_id] = path
            self._vanished.pop(file_id, None)
        self._waiting[path] = max(landed, 0) << ID_BITS | file_id
        self._oldest = None

    def _drop(self, path: str, state: bytes | None) -> None:
        """Forget what was known about a file, which was in `state` then."""
        value = self._waiting.pop(path, None)
        if value is None:
            return
        self._oldest = None
        if state is not None and is_measured(state):
            self._size -= parts_of(state)[1]
        file_id = value & _ID_MASK
        if file_id:
            self._registered.pop(file_id, None)
            self._reopened.pop(file_id, None)

    def _result(self, examples: int, aside: list[str], seconds: float) -> WaitingFiles:
        if self._oldest is None or len(self._oldest) < min(examples, len(self._waiting)):
            limit = max(heapq.nsmallest(examples, self._waiting.values()), default=0)
            found = ((v >> ID_BITS, path) for path, v in self._waiting.items() if v <= limit)
            self._oldest = heapq.nsmallest(examples, found)
        landed = self._oldest[0][0] if self._oldest else _NOT_KNOWN_YET
        oldest = None if landed == _NOT_KNOWN_YET else datetime.fromtimestamp(landed / 1e6, UTC)
        ignored = self._disk.ignored
        vanished = sorted(self._vanished.items())[:examples]
        return WaitingFiles(
            files=len(self._waiting),
            size_bytes=self._size,
            registered=len(self._registered),
            oldest_landed_at=oldest,
            oldest_age_seconds=None if oldest is None else max(0.0, time.time() - landed / 1e6),
            oldest_paths=tuple(ledger_path(path) for _, path in self._oldest[:examples]),
            vanished=len(self._vanished),
            vanished_paths=tuple(path for _, path in vanished),
            unlistable=self._disk.unlistable,
            files_on_disk=len(self._disk),
            ignored=len(ignored),
            ignored_paths=ignored[:EXAMPLES],
            not_looked_at=len(self._disk.unseen),
            look_seconds=seconds,
            set_aside=len(aside),
            set_aside_paths=tuple(aside[:examples]),
        )
