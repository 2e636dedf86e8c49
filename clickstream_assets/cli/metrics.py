"""`clickstream metrics`. What is served is in `metrics`."""

from __future__ import annotations

import time

import click
from prometheus_client import CollectorRegistry, start_http_server

from clickstream_assets.errors import StartError
from clickstream_assets.monitoring.metrics import PipelineCollector
from clickstream_assets.monitoring.scrape import Reader
from clickstream_assets.postgres.connections import Connections
from clickstream_assets.settings import Settings
from clickstream_assets.up.stop_signals import StopSignals

PORT = 9709


@click.command("metrics")
@click.option("--port", type=click.IntRange(1, 65535), default=PORT, show_default=True)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on; there is no login."
)
def command(port: int, host: str) -> None:
    """Serve metrics for Prometheus until Ctrl-C. Each scrape reads the ledger, as the reader."""
    settings = Settings.from_env()
    stop = StopSignals()
    registry = CollectorRegistry()
    reader = Reader(Connections(settings, "clickstream-metrics"), settings.events_directory)
    registry.register(PipelineCollector(reader, _say))
    with stop.caught():
        try:
            server, thread = start_http_server(port, host, registry)
        except OSError as error:
            raise StartError(
                f"port {port} on {host} cannot be had for the metrics ({error.strerror}): stop the program that uses "
                "it, or give another --port."
            ) from None
        click.echo(
            f"Metrics at http://{f'[{host}]' if ':' in host else host}:{port}/metrics; Ctrl-C ends this."
        )
        while not stop.requested:
            time.sleep(0.2)
        server.shutdown()
        server.server_close()
        thread.join()


def _say(text: str) -> None:
    click.echo(f"clickstream metrics: a scrape could not read the ledger: {text}", err=True)
