"""The configuration of the embedded PostgreSQL, each setting with its reason.

Belongs here: values. Does not belong here: when they are written (`postgres_server`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

HOST = "127.0.0.1"

# Each with its reason; what is not here is PostgreSQL's default. Users add their own at the end of
# data/postgresql.conf, which reads this first.
CONFIGURATION: dict[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # a long path of the home would exceed the limit of sockets (107 bytes)
    "password_encryption": "scram-sha-256",
    "max_connections": "100",  # Dagster's processes and runs take up to 40, Spark and SQL tools the rest
    "wal_buffers": "64MB",  # the default (16 MB) filled up thousands of times in a bulk load
    "max_wal_size": "4GB",  # a bulk load of some million rows between two checkpoints
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",  # rarer checkpoints write fewer full pages for random ids
    "synchronous_commit": "on",  # losing a commit loses events that Spark believes stored
    "random_page_cost": "1.1",  # SSD
    "work_mem": "32MB",  # the merge sorts a micro-batch by id
    "maintenance_work_mem": "128MB",
    "max_parallel_workers_per_gather": "0",  # the cores are the stream's; a container's /dev/shm is 64 MB
    "jit": "off",  # queries here are short; compiling them costs more than it gains
    "autovacuum_naptime": "15s",  # the queue and the lease are small tables updated several times a second
    "log_destination": "stderr",
    "logging_collector": "on",
    "log_directory": "../log",
    "log_filename": "postgresql-%Y%m%d-%H%M%S.log",
    "log_rotation_age": "0",
    "log_rotation_size": "10MB",
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_lock_waits": "on",
    "log_checkpoints": "off",
    "log_parameter_max_length_on_error": "0",  # events are people's data
}


def shared_buffers(memory_bytes: int) -> str:
    """An eighth of the memory: Spark, Dagster and the page cache need the rest. From 128 MB to 1 GB."""
    megabytes = memory_bytes // 8 // 2**20
    return f"{min(max(megabytes, 128), 1024)}MB"


def configuration_text(port: int, overrides: Mapping[str, str]) -> str:
    """The content of clickstream.conf for this machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    settings = CONFIGURATION | {"port": str(port), "shared_buffers": shared_buffers(memory)} | dict(overrides)
    return "".join(f"{name} = '{value}'\n" for name, value in settings.items())
