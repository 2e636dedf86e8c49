"""The configuration of the embedded PostgreSQL, each setting with its reason."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

HOST = "127.0.0.1"
# Where Linux says what a container may use (cgroup 2, then 1): a number, or "max".
MEMORY_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

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
    """An eighth of the memory: Spark, Dagster and the page cache need the rest. From 128 MB to 4 GB.

    Ids are random, so that each row touches other pages of their indexes: what of these is not in here costs a read.
    """
    megabytes = memory_bytes // 8 // 2**20
    return f"{min(max(megabytes, 128), 4096)}MB"


def usable_memory(limits: Sequence[Path] = MEMORY_LIMITS) -> int:
    """Bytes: the machine's memory, or the limit of the container that this runs in."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for file in limits:
        with suppress(OSError):  # no such file, or not for us
            text = file.read_text().strip()
            memory = min(memory, int(text)) if text.isdigit() else memory
    return memory


def configuration_text(port: int, overrides: Mapping[str, str]) -> str:
    """The content of clickstream.conf for this machine."""
    cache = shared_buffers(usable_memory())
    settings = CONFIGURATION | {"port": str(port), "shared_buffers": cache} | dict(overrides)
    return "".join(f"{name} = '{value}'\n" for name, value in settings.items())
