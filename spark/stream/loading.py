"""The Spark query for as long as the stream lives: started again where it fails and that helps.

A query that starts again does what a new stream would do: Spark runs the micro-batch of its log once more, what the
ledger has as committed is passed over, and the source looks for all chunks that wait. So nothing need be known of what
was in the air when the database went away: neither whether its commit was done, nor which tables a task had filled.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException

from clickstream_assets.exits import EXPECTED
from spark.lease import Lease, LeaseLost
from spark.outage import THE_DATABASE, THE_DIRECTORY
from spark.stream.ending import Ending
from spark.stream.query import LoadQuery
from spark.stream.restarts import Restarts, failure_of
from spark.stream.waiting import Waiting

LOOK_SECONDS = 0.5  # between looks at the query, and at what else a stream must notice
HEALTHY_SECONDS = 30.0  # a query that lived so long has worked

WITHOUT_TRACEBACK = (*EXPECTED, PySparkException, Py4JError)
JVM_GONE = (Py4JError, ConnectionError)  # what a call to a JVM that is no more raises

log = logging.getLogger("clickstream.stream")


class Loading:
    """Keeps a query running.

    Args:
        start: starts one.
        is_alive: whether the JVM is there.
        look: is called often; whatever else a stream has to see to.
    """

    def __init__(
        self,
        start: Callable[[], LoadQuery],
        is_alive: Callable[[], bool],
        look: Callable[[], None],
        lease: Lease,
        busy: threading.Lock,
        ending: Ending,
        waiting: Waiting,
    ) -> None:
        self._start = start
        self._is_alive = is_alive
        self._look = look
        self._lease = lease
        self._busy = busy
        self._ending = ending
        self._waits = {what: waiting.part("query", what) for what in (THE_DATABASE, THE_DIRECTORY)}
        self._restarts = Restarts()
        self._is_waiting = False  # for what passes by itself
        self.has_committed = False  # set from outside, with each commit

    def run(self) -> None:
        """Return when the stream shall end; `ending` says why.

        Raises whatever says that the JVM is gone.
        """
        while not self._ending.event.is_set():
            self.has_committed = False
            began = time.monotonic()
            failed = self._run_once()
            if failed is None:
                self._ending.stop("all present files are in")
            elif not self._ending.event.is_set():
                has_worked = self.has_committed or time.monotonic() - began > HEALTHY_SECONDS
                self._get_over(failed, has_worked=has_worked)

    def _run_once(self) -> BaseException | None:
        """Start a query, and wait for its end or that of the stream; what ended the query otherwise than by request."""
        try:
            query = self._start()
        except JVM_GONE as error:
            self._raise_if_gone(error)
            return error
        except Exception as error:  # noqa: BLE001 - judged by `failure_of`
            return error
        try:
            while not self._ending.event.wait(LOOK_SECONDS):
                self._look()
                if not query.is_active:
                    return query.error()
                if self._is_waiting and (self.has_committed or query.is_idle):
                    self._is_waiting = False
                    for say in self._waits.values():
                        say(None)
            return None
        finally:
            # Stopping between two batches: a batch that runs is let finish.
            with self._busy, suppress(*JVM_GONE):
                query.stop()

    def _get_over(self, error: BaseException, *, has_worked: bool) -> None:
        """Pause until the next start, or end the stream."""
        if isinstance(error, LeaseLost):
            self._ending.lease_lost(str(error))
            return
        self._raise_if_gone(error)
        failure = failure_of(error)
        pause = self._restarts.pause(failure, has_worked=has_worked)
        if not (failure.passes or failure.is_known):
            # In Spark's errors the traceback of a task is part of the text.
            log.error("%s", error, exc_info=None if isinstance(error, WITHOUT_TRACEBACK) else error)
        if pause is None:
            self._ending.fail(failure.sentence)
            return
        if failure.passes:
            self._is_waiting = True
            self._waits[failure.what](failure.sentence)
        else:
            log.warning("%s; it is started again in %.1f s", failure.sentence.rstrip("."), pause)
        self._wait(pause)

    def _wait(self, pause: float) -> None:
        """Until the pause is over, and the lease has been kept since: what a query needs it needs too."""
        began = time.monotonic()
        while not self._ending.event.wait(min(LOOK_SECONDS, pause)):
            self._look()
            if time.monotonic() - began >= pause and self._lease.kept_since(began):
                return

    def _raise_if_gone(self, error: BaseException) -> None:
        if isinstance(error, Py4JJavaError) or not isinstance(error, JVM_GONE):
            if self._is_alive():
                return
            raise ConnectionError("the JVM does not answer") from error
        raise error
