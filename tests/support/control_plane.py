"""Dagster with a real database and without its daemon: the tests tick the sensors and run the jobs themselves."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import databases
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    GrpcServerCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
)
from dagster._core.storage.tags import GRPC_INFO_TAG
from databases import run_sql

from clickstream_assets.definitions import build_definitions
from clickstream_assets.jobs.stream import spark_stream
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.run import StreamProgram

STAND_IN = str(Path(__file__).parent / "stand_in_stream.py")
LIMIT = 20.0  # seconds to wait for a condition


@dataclass
class ControlPlane:
    """One Dagster over one database."""

    instance: dg.DagsterInstance
    database: databases.Database
    settings: Settings
    cursors: dict[str, str | None] = field(default_factory=dict)

    @property
    def definitions(self) -> dg.Definitions:
        return build_definitions(self.settings, database=self.resource, program=self.program)

    @property
    def resource(self) -> Connections:
        urls = {"writer": self.database.writer_url, "reader": self.database.reader_url}
        return Connections(self.settings, "clickstream-dagster", urls)  # type: ignore[arg-type]

    @property
    def program(self) -> StreamProgram:
        return StreamProgram(self.resource, (sys.executable, STAND_IN))

    def tick(self, sensor: dg.SensorDefinition) -> dg.SensorResult:
        """Evaluate a sensor as the daemon would, and keep its cursor."""
        context = dg.build_sensor_context(
            self.instance,
            cursor=self.cursors.get(sensor.name),
            resources={"database": self.resource, "settings": self.settings},
            definitions=self.definitions if self.settings.sources else None,
        )
        result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        if result.cursor is not None:
            self.cursors[sensor.name] = result.cursor
        for event in result.asset_events:
            self.instance.report_runless_asset_event(event)
        return result

    def execute(self, job: str, **arguments: Any) -> dg.ExecuteInProcessResult:
        """Run a job in this process."""
        definition = self.definitions.resolve_job_def(job)
        return definition.execute_in_process(instance=self.instance, raise_on_error=False, **arguments)

    def lease(self, column: str) -> Any:
        ((value,),) = run_sql(self.database.owner_url, f"SELECT {column} FROM stream_lease")
        return value

    def update_lease(self, assignments: str) -> None:
        run_sql(self.database.owner_url, f"UPDATE stream_lease SET {assignments}")

    def make_run(
        self, status: dg.DagsterRunStatus, worker: int | None = None, job: dg.JobDefinition = spark_stream
    ) -> str:
        """A run on record, with the process `worker` as its worker."""
        tags = {GRPC_INFO_TAG: '{"host": "localhost", "socket": "/nowhere"}'}
        run = self.instance.create_run_for_job(job, status=status, tags=tags)
        if worker is not None:
            self.instance.report_engine_event("Started process for run.", run, dg_engine_event_data(worker))
        return run.run_id

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    @contextmanager
    def stream(
        self, run_id: str | None = None, behaviour: str = "", *arguments: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """A stand-in that streams, from the moment it holds the lease."""
        environment = {
            **os.environ,
            "CLICKSTREAM_STREAM_DATABASE_URL": self.database.writer_url,
            "STAND_IN": behaviour,
        }
        environment.pop("CLICKSTREAM_DAGSTER_RUN_ID", None)
        if run_id:
            environment["CLICKSTREAM_DAGSTER_RUN_ID"] = run_id
        before = self.lease("epoch")
        process = subprocess.Popen([sys.executable, STAND_IN, *arguments], env=environment)
        try:
            wait_until(lambda: self.lease("epoch") > before)
            yield process
        finally:
            process.kill()
            process.wait()


def switch(instance: dg.DagsterInstance, name: str, *, on: bool, kind: str = "sensor") -> None:
    """What Dagster stores when someone switches a sensor or a schedule of `up`'s on or off, with the switch."""
    location = GrpcServerCodeLocationOrigin(host="localhost", socket="/nowhere", location_name="clickstream")
    state = InstigatorState(
        RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name),
        InstigatorType.SCHEDULE if kind == "schedule" else InstigatorType.SENSOR,
        InstigatorStatus.DECLARED_IN_CODE if on else InstigatorStatus.STOPPED,
        ScheduleInstigatorData("0 0 * * *") if kind == "schedule" else SensorInstigatorData(),
    )
    if instance.get_instigator_state(state.instigator_origin_id, state.selector_id):
        instance.update_instigator_state(state)
    else:
        instance.add_instigator_state(state)


def dg_engine_event_data(pid: int) -> Any:
    from dagster._core.events import EngineEventData

    return EngineEventData.in_process(pid)


def dead_process() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def wait_until(condition: Callable[[], bool], limit: float = LIMIT) -> None:
    """Wait for a condition, not for a time.

    Raises:
        TimeoutError: it did not come true.
    """
    until = time.monotonic() + limit
    while not condition():
        if time.monotonic() > until:
            raise TimeoutError(f"not within {limit} s")
        time.sleep(0.05)
