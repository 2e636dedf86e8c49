"""Where Spark listens on one machine.

Guards its web pages, which have no login and by default are for the whole network.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@pytest.mark.spark
def test_every_port_of_spark_is_on_this_machine_alone(spark: SparkSession) -> None:
    gateway = spark.sparkContext._gateway
    assert gateway is not None
    jvm = psutil.Process(gateway.proc.pid)
    listening = {
        connection.laddr
        for process in (jvm, *jvm.children(recursive=True))
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    address = spark.sparkContext.uiWebUrl
    assert address is not None
    assert int(address.rpartition(":")[2]) in {port for _, port in listening}
    outside = [address for address in listening if not _is_loopback(address[0])]
    assert outside == []


def _is_loopback(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback
