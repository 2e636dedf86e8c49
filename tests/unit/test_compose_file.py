"""What docker-compose.yml promises. Guards against a port for the whole network, a password that slips in, and a
service that gets more than it needs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from clickstream_assets.cli.metrics import PORT as METRICS_PORT
from clickstream_assets.postgres.configuration import CONFIGURATION

PROJECT = Path(__file__).resolve().parents[2]
COMPOSE = PROJECT / "docker-compose.yml"
STACK: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
ONE_SHOT = {"secrets", "setup"}
THEIRS = {"postgres", "pgadmin", "prometheus", "grafana", "s3"}
OPEN = {"postgres", "pgadmin"}  # their images write beside their data, and begin as root
MONITORING = {"metrics", "prometheus", "grafana"}
TO_TRY = {"s3"}
PASSWORD_IN_URL = re.compile(r"://[^/@\s]*:[^/@\s]*@")


def networks(service: str) -> set[str]:
    return set(SERVICES[service].get("networks") or [])


def secret_volume(service: str) -> str | None:
    mounts = [volume for volume in SERVICES[service].get("volumes", []) if ":/run/secrets" in volume]
    assert len(mounts) <= 1
    return mounts[0] if mounts else None


def test_every_service_of_the_stack_is_there() -> None:
    assert set(SERVICES) == {
        *("secrets", "setup", "postgres", "pgadmin", "generator", "spark-master", "spark-worker"),
        *("dagster-code", "dagster-webserver", "dagster-daemon"),
        *MONITORING,
        *TO_TRY,
    }


def test_every_published_port_is_on_this_machine_alone() -> None:
    ports = [(name, port) for name, service in SERVICES.items() for port in service.get("ports", [])]
    assert len(ports) >= 5
    for name, port in ports:
        assert isinstance(port, str), name
        assert re.fullmatch(r"127\.0\.0\.1:(\$\{\w+:-\d+\}|\d+):\d+", port), (name, port)
        assert SERVICES[name].get("network_mode") != "host"


def test_no_two_services_publish_the_same_port() -> None:
    published = [port.rsplit(":", 1)[0] for s in SERVICES.values() for port in s.get("ports", [])]
    assert len(set(published)) == len(published)


def test_grpc_that_runs_code_is_not_published() -> None:
    assert not any("4266" in port for service in SERVICES.values() for port in service.get("ports", []))


def test_no_password_is_in_the_file() -> None:
    assert not PASSWORD_IN_URL.search(COMPOSE.read_text())
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert variable.endswith("_FILE"), (name, variable)
            if variable.endswith("_FILE") and "JSON" not in variable and variable.partition("_")[0] != "AWS":
                assert str(value).startswith("/run/secrets/"), (name, variable)


def test_the_example_of_the_settings_gives_no_password() -> None:
    settings = [
        line for line in (PROJECT / ".env.example").read_text().splitlines() if not line.startswith("#")
    ]
    assert not any("PASSWORD=" in line and line.split("=", 1)[1] for line in settings)


def test_the_generator_reaches_nobody() -> None:
    assert SERVICES["generator"]["network_mode"] == "none"
    assert not networks("generator")
    assert secret_volume("generator") is None


def test_the_master_is_not_on_the_databases_network() -> None:
    assert networks("spark-master") == {"cluster"}


def test_the_code_server_is_called_on_a_network_of_its_own() -> None:
    assert STACK["networks"]["control"]["internal"] is True
    members = {name for name in SERVICES if "control" in networks(name)}
    assert members == {"dagster-code", "dagster-webserver", "dagster-daemon"}
    assert SERVICES["dagster-code"]["networks"]["control"]["aliases"] == ["code-server"]
    workspace = yaml.safe_load((PROJECT / "docker" / "workspace.yaml").read_text())
    assert workspace["load_from"][0]["grpc_server"]["host"] == "code-server"


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_a_lasting_service_has_a_health_check_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_everyone_waits_for_the_setup() -> None:
    def waits(name: str, seen: frozenset[str] = frozenset()) -> bool:
        needs = SERVICES[name].get("depends_on", {})
        done = needs.get("setup", {}).get("condition") == "service_completed_successfully"
        return done or any(waits(other, seen | {name}) for other in needs if other not in seen)

    for name in set(SERVICES) - ONE_SHOT - {"postgres"}:
        assert waits(name), name
    assert SERVICES["setup"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["postgres"]["depends_on"]["secrets"]["condition"] == "service_completed_successfully"


def test_images_are_pinned_and_ours_is_one() -> None:
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert {image for name, image in images.items() if name not in THEIRS} == {"clickstream:local"}
    for image in images.values():
        tag = image.rpartition(":")[2]
        assert ":" in image
        assert tag != "latest"
    bases = re.findall(r"^FROM (\S+)", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.\d+-slim-bookworm", bases[0])


@pytest.mark.parametrize("name", sorted(set(SERVICES) - OPEN))
def test_our_containers_and_prometheus_change_nothing_of_their_own_and_gain_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "docker.sock" not in str(service.get("volumes"))
    # The secrets' volumes are handed to their users, which takes root.
    assert ("user" in service) == (name == "secrets")


def test_the_image_runs_as_an_ordinary_user_and_installs_what_is_locked() -> None:
    text = (PROJECT / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    assert "--require-hashes -r" in text
    assert "--editable" not in text  # nothing runs from a checkout there


def test_what_the_image_gets_is_named_so_that_no_secret_slips_in() -> None:
    rules = (PROJECT / ".dockerignore").read_text().splitlines()
    assert next(rule for rule in rules if not rule.startswith(("#", "!"))) == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    assert allowed.isdisjoint({".env", ".", ".clickstream", ".git"})
    assert {"clickstream_assets", "spark", "sql", "docker", "requirements.lock", "dagster.yaml"} <= allowed


def test_each_service_has_the_secrets_of_its_part_alone_and_cannot_change_them() -> None:
    mounts = {name: secret_volume(name) for name in SERVICES if secret_volume(name)}
    assert {name: str(mount).split(":")[0] for name, mount in mounts.items()} == {
        "postgres": "secrets-postgres",
        "setup": "secrets-setup",
        "dagster-code": "secrets-code",
        "dagster-webserver": "secrets-dagster",
        "dagster-daemon": "secrets-dagster",
        "spark-master": "secrets-spark",
        "spark-worker": "secrets-spark",
        "pgadmin": "secrets-pgadmin",
        "metrics": "secrets-metrics",
        "grafana": "secrets-grafana",
    }
    assert all(str(mount).endswith(":ro") for mount in mounts.values())
    assert [name for name in SERVICES if "secrets:/kept" in SERVICES[name].get("volumes", [])] == ["secrets"]


def test_pgadmin_knows_the_server_as_the_reader_without_a_question() -> None:
    servers = json.loads((PROJECT / "docker" / "pgadmin" / "servers.json").read_text())["Servers"]
    (server,) = servers.values()
    assert (server["Host"], server["Username"]) == ("postgres", "clickstream_reader")
    assert server["PassFile"] == "/.pgpass"
    assert "Password" not in server


@pytest.mark.parametrize("name", ["spark-worker", "metrics"])
def test_who_only_reads_the_events_cannot_change_them(name: str) -> None:
    assert any(volume.endswith(":/events:ro") for volume in SERVICES[name]["volumes"])


def test_monitoring_and_what_is_there_to_try_with_wait_for_their_profiles_and_nothing_waits_for_them() -> (
    None
):
    assert {name for name, service in SERVICES.items() if "profiles" in service} == MONITORING | TO_TRY
    assert all(SERVICES[name]["profiles"] == ["monitoring"] for name in MONITORING)
    assert all(SERVICES[name]["profiles"] == [name] for name in TO_TRY)
    assert not any(TO_TRY & set(service.get("depends_on", {})) for service in SERVICES.values())
    assert not any(
        set(SERVICES[name].get("depends_on", {})) & MONITORING for name in set(SERVICES) - MONITORING
    )


def test_the_metrics_know_the_readers_password_alone_and_only_prometheus_reaches_them() -> None:
    environment = SERVICES["metrics"]["environment"]
    assert {name for name in environment if "PASSWORD" in name} == {"CLICKSTREAM_READER_PASSWORD_FILE"}
    assert "ports" not in SERVICES["metrics"]
    assert networks("metrics") == {"database", "monitoring"}
    assert networks("prometheus") == {"monitoring"}
    assert networks("grafana") == {"database", "monitoring"}
    assert {name for name in SERVICES if "monitoring" in networks(name)} == MONITORING


def test_prometheus_has_the_same_configuration_and_rules_in_the_stack_but_asks_the_service_metrics() -> None:
    folder = PROJECT / "monitoring"
    mounts = dict(
        volume.removesuffix(":ro").split(":")
        for volume in SERVICES["prometheus"]["volumes"]
        if volume.endswith(":ro")
    )
    assert mounts == {
        "./monitoring/prometheus.yml": "/etc/prometheus/prometheus.yml",
        "./monitoring/alerts.yml": "/etc/prometheus/alerts.yml",
        "./monitoring/targets-compose.yml": "/etc/prometheus/targets.yml",
    }
    configuration = yaml.safe_load((folder / "prometheus.yml").read_text())
    assert configuration["rule_files"] == ["alerts.yml"]
    (job,) = configuration["scrape_configs"]
    assert job["file_sd_configs"] == [{"files": ["targets.yml"]}]
    command = SERVICES["metrics"]["command"]
    assert command[command.index("--port") + 1] == str(METRICS_PORT)
    for file, host in (("targets.yml", "127.0.0.1"), ("targets-compose.yml", "metrics")):
        assert yaml.safe_load((folder / file).read_text()) == [{"targets": [f"{host}:{METRICS_PORT}"]}]


def test_grafana_finds_its_sources_by_the_names_of_the_services_and_the_reader_alone() -> None:
    folder = PROJECT / "monitoring" / "grafana"
    sources = yaml.safe_load((folder / "provisioning" / "datasources" / "clickstream.yml").read_text())
    prometheus, postgres = sources["datasources"]
    assert prometheus["url"] == "http://prometheus:9090"
    assert (postgres["url"], postgres["user"]) == ("postgres:5432", "clickstream_reader")
    assert postgres["secureJsonData"] == {"password": "$__file{/run/secrets/reader}"}
    service = SERVICES["grafana"]
    mounts = dict(volume.split(":")[:2] for volume in service["volumes"])
    (provider,) = yaml.safe_load((folder / "provisioning" / "dashboards" / "clickstream.yml").read_text())[
        "providers"
    ]
    assert mounts["./monitoring/grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./monitoring/grafana/provisioning"] == "/etc/grafana/provisioning"
    environment = service["environment"]
    assert environment["GF_SECURITY_ADMIN_PASSWORD__FILE"] == "/run/secrets/grafana"
    assert not any("ANONYMOUS" in name for name in environment)


def test_the_database_is_configured_as_the_embedded_one_is() -> None:
    """A team's server had PostgreSQL's defaults, such as the values of people's events in its log."""
    given = dict(word[2:].split("=", 1) for word in SERVICES["postgres"]["command"] if word.startswith("-c"))
    ours = ("wal_buffers", "max_wal_size", "checkpoint_timeout", "random_page_cost", "work_mem", "jit")
    ours += ("max_parallel_workers_per_gather", "autovacuum_naptime", "log_parameter_max_length_on_error")
    assert {name: given[name] for name in ours} == {name: CONFIGURATION[name] for name in ours}


def test_the_stream_and_its_workers_share_what_is_fetched_from_buckets() -> None:
    assert "objects:/objects" in SERVICES["dagster-code"]["volumes"]
    assert "objects:/objects:ro" in SERVICES["spark-worker"]["volumes"]
    assert " /objects " in (PROJECT / "Dockerfile").read_text()


def test_credentials_of_buckets_are_files_of_the_stream_alone() -> None:
    assert [name for name in SERVICES if any(":/aws:" in v for v in SERVICES[name].get("volumes", []))] == [
        "dagster-code"
    ]
    environment = SERVICES["dagster-code"]["environment"]
    aws = {name: value for name, value in environment.items() if name.startswith("AWS_")}
    assert aws == {"AWS_SHARED_CREDENTIALS_FILE": "/aws/credentials", "AWS_CONFIG_FILE": "/aws/config"}
    assert networks("s3") == {"objects"}
    assert {name for name in SERVICES if "objects" in networks(name)} == {"s3", "dagster-code"}
