"""The sensor `openlineage`: tells a data catalogue of micro-batches and refreshes. It is there where one is named.

One tick. `lineage.outbox` says what is due, `lineage.openlineage` what is said.
"""

import dagster as dg
from pydantic import SecretStr

from clickstream_assets.lineage import outbox
from clickstream_assets.lineage.address import database_address
from clickstream_assets.lineage.openlineage import Place
from clickstream_assets.lineage.post import Catalogue
from clickstream_assets.lineage.sending import Round, send_due
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.supervision.away import ERRORS, why_away

LINEAGE_TICK = 30  # seconds


@dg.sensor(
    minimum_interval_seconds=LINEAGE_TICK,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Posts an event of OpenLineage for every micro-batch and every refresh of a summary to "
    "CLICKSTREAM_OPENLINEAGE_URL. While that is away nothing is lost: the ledger is the outbox. Its history says what "
    "waits and what was refused.",
)
def openlineage(
    context: dg.SensorEvaluationContext,
    database: dg.ResourceParam[Connections],
    settings: dg.ResourceParam[Settings],
) -> dg.SensorResult:
    if settings.openlineage_url is None:
        return dg.SensorResult(skip_reason="No catalogue is named (CLICKSTREAM_OPENLINEAGE_URL).")
    place = Place(settings.role_prefix, database_address(settings), str(settings.events_dir))
    catalogue = _catalogue(settings.openlineage_url, settings.openlineage_api_key)
    try:
        with database.open("writer") as connection:
            pause = outbox.read_pause(connection)
            done = send_due(connection, catalogue, place) if pause.is_over else Round(error=pause.last_error)
            waiting = outbox.count_waiting(connection)
    except ERRORS as error:
        return dg.SensorResult(skip_reason=f"Nothing is sent: {why_away(error, settings.home)}.")
    if done.refused:
        context.log.error(f"The catalogue refused {done.refused} events for good: {done.error}.")
    return dg.SensorResult(skip_reason=_said(done, waiting))


def _catalogue(url: SecretStr, api_key: SecretStr | None) -> Catalogue:
    return Catalogue(url.get_secret_value(), api_key.get_secret_value() if api_key else None)


def _said(done: Round, waiting: int) -> str:
    parts = [f"{done.sent} events sent, {waiting} micro-batches wait"]
    if done.refused:
        parts.append(f"{done.refused} events were refused for good")
    if done.error:
        parts.append(done.error)
    return "; ".join(parts) + "."
