"""Runs the Spark program as a process of a Dagster run, through Dagster Pipes.

It forwards the program's output, ends it, and turns its end into one sentence.

`PipesSubprocessClient` would do, but for three things: it says only "failed with code 3", it leaves a program
running that ignores SIGINT, and its caller can do nothing while it waits.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import dagster as dg

from clickstream_assets.contract import ExitCode
from clickstream_assets.errors import StreamError
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.supervision.program import stream_command, stream_environment

END_LIMIT = 45.0  # seconds from SIGINT to SIGKILL: a large micro-batch takes half of it
TICK = 1.0  # seconds
SAYS_WHY = frozenset(ExitCode)  # with these codes the last line of stderr is one sentence …
LAST_WORDS = "clickstream stream: "  # … that begins so


class StreamProgramFailed(StreamError):
    """The program ended with an error. The message is one sentence."""

    def __init__(self, sentence: str, exit_code: int) -> None:
        super().__init__(sentence)
        self.program_exit_code = exit_code


@dataclass(frozen=True)
class StreamProgram:
    """The Spark program. A resource, so that tests put another program in its place."""

    database: Connections
    command: tuple[str, ...] | None = None  # None: the real one

    def run(
        self,
        context: dg.OpExecutionContext,
        *,
        available_now: bool = False,
        each_second: Callable[[], None] = lambda: None,
    ) -> None:
        """Run the program to its end. If the run is terminated meanwhile, the program finishes its micro-batch.

        Raises:
            StreamProgramFailed: it ended with an error, or by a signal that the run did not send.
        """
        with dg.open_pipes_session(
            context=context,
            context_injector=dg.PipesTempFileContextInjector(),
            message_reader=_MessageReader(),
        ) as session:
            environment = stream_environment(self.database) | {
                **session.get_bootstrap_env_vars(),
                "CLICKSTREAM_DAGSTER_RUN_ID": context.run_id,
            }
            command = [*(self.command or stream_command()), *(["--available-now"] if available_now else [])]
            process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE)
            assert process.stderr is not None  # noqa: S101 (for the type checker)
            output = _Forwarder(process.stderr)
            try:
                _wait(process, each_second)
            except BaseException as interruption:
                context.log.info(f"Ending the stream's process {process.pid}: {interruption!r}.")
                _end(process)
                raise
            finally:
                output.join()
        if process.returncode != 0:
            raise StreamProgramFailed(_sentence(process.returncode, output.said), process.returncode)


class _MessageReader(dg.PipesTempFileMessageReader):
    expected_writer_count = 1  # of Dagster's own default for this, Dagster warns that it is in preview


class _Forwarder:
    """Copies a stream to stderr, which Dagster captures, and remembers the program's last words, or its last line."""

    def __init__(self, source: IO[bytes]) -> None:
        self.last_line = self._last_words = ""
        self._source = source
        self._thread = threading.Thread(target=self._copy, name="stream-output", daemon=True)
        self._thread.start()

    @property
    def said(self) -> str:
        """The JVM may have something to say after the program's last words."""
        return self._last_words or self.last_line

    def join(self) -> None:
        """Wait for the end of the output. The JVM may hold it open for a moment longer than the program."""
        self._thread.join(timeout=5)

    def _copy(self) -> None:
        with self._source:
            for line in self._source:
                os.write(2, line)
                if text := line.decode("utf-8", "replace").strip():
                    self.last_line = text
                    if text.startswith(LAST_WORDS):
                        self._last_words = text


def _wait(process: subprocess.Popen[bytes], each_second: Callable[[], None]) -> None:
    while True:
        try:
            process.wait(TICK)
        except subprocess.TimeoutExpired:
            each_second()
        else:
            return


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(END_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _sentence(exit_code: int, last_line: str) -> str:
    if exit_code < 0:
        return f"the stream's process was ended by {signal.Signals(-exit_code).name}"
    if exit_code in SAYS_WHY and last_line:
        return last_line
    return f"the stream's process ended with exit code {exit_code}; its output says more"
