"""The compose file and what it starts. No container engine is needed, so none is run: docs/limits.md."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from services import cli
from tests.conftest import require
from tests.deploy.queries import DEPLOY, ROOT
from tinsom import configfile

COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "tinsom:local"}
STAGES = ("collector", "classifier", "alerter")
LASTING = [name for name in SERVICES if name not in ("certificates", "topics", "apply")]


def test_the_configuration_is_whole() -> None:
    settings = configfile.load(DEPLOY / "tinsom.yaml")
    assert settings.kafka is not None
    assert settings.kafka.bootstrap_servers == "kafka:9092"
    assert settings.email is not None
    assert settings.email.host in SERVICES


@pytest.mark.parametrize("name", [name for name in OURS if name != "certificates"])
def test_every_command_exists(name: str) -> None:
    command: Any = typer.main.get_command(cli.app)
    words = OURS[name]["command"]
    options = words.index("-c")
    for word in words[:options]:
        command = command.commands[word]
    assert any("-c" in parameter.opts for parameter in command.params)
    assert words[options:] == ["-c", "/etc/tinsom/tinsom.yaml"]


def test_each_service_runs_once_and_prometheus_asks_each() -> None:
    assert {SERVICES[name]["command"][0] for name in STAGES} == {"collect", "classify", "alert"}
    scrape = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text("utf-8"))["scrape_configs"]
    targets = next(job for job in scrape if job["job_name"] == "tinsom")["static_configs"][0]["targets"]
    port = configfile.load(DEPLOY / "tinsom.yaml").http.port
    assert targets == [f"{name}:{port}" for name in STAGES]


@pytest.mark.parametrize("name", LASTING)
def test_what_stays_is_watched_and_stopped_with_patience(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert service["stop_grace_period"] == "30s"
    assert service["restart"] == "unless-stopped"


def test_nothing_starts_before_what_it_needs() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            finished = needed not in LASTING
            assert how == {"condition": "service_completed_successfully" if finished else "service_healthy"}, name
    for name in STAGES:
        assert {"kafka", "apply"} <= set(SERVICES[name]["depends_on"])


def test_ports_are_open_on_loopback_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_is_mounted_exists() -> None:
    mounts = [mount.split(":") for service in SERVICES.values() for mount in service.get("volumes", ())]
    for source, *_ in mounts:
        assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_images_are_pinned() -> None:
    for service in SERVICES.values():
        tag = service["image"].partition(":")[2]
        assert tag
        assert tag != "latest"


def test_kafka_keeps_offsets_as_long_as_the_topics_check_demands() -> None:
    environment = SERVICES["kafka"]["environment"]
    assert int(environment["KAFKA_OFFSETS_RETENTION_MINUTES"]) >= 90 * 24 * 60
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_the_image_runs_without_rights_on_hashed_dependencies() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    assert text.count("\nFROM ") + text.startswith("FROM ") == 2
    assert "USER 10001" in text
    for line in (line for line in text.splitlines() if "pip install" in line and "-r " in line):
        assert "--require-hashes" in line
    copied = [word for line in text.splitlines() if line.startswith("COPY ") for word in line.split()[1:-1]]
    for word in copied:
        assert word.startswith(("--from", "/opt")) or (ROOT / word).exists(), word
    for name in ("run", "build"):
        pinned = (ROOT / "requirements" / f"{name}.txt").read_text("utf-8")
        assert "--hash=sha256:" in pinned
        assert "://" not in pinned.replace("\\\n", "")


def test_what_the_image_needs_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    text = (DEPLOY / "Dockerfile").read_text("utf-8")
    for line in (line for line in text.splitlines() if line.startswith("COPY ") and "--from" not in line):
        assert set(line.split()[1:-1]) <= sent


def test_the_mail_catchers_certificate_is_one_that_python_trusts(tmp_path: Path) -> None:
    require("openssl", "Debian's package `openssl`")
    script = SERVICES["certificates"]["command"][0].replace("/certificates", str(tmp_path))
    subprocess.run(["sh", "-c", script], check=True, capture_output=True, timeout=300)
    settings = configfile.load(DEPLOY / "tinsom.yaml").email
    assert settings is not None
    certificate = tmp_path / Path(settings.ca_file).name
    shake_hands(certificate, tmp_path / "mail.key", settings.host)
    before = certificate.read_bytes()
    subprocess.run(["sh", "-c", script], check=True, capture_output=True, timeout=300)
    assert certificate.read_bytes() == before  # a second `up` keeps it


def shake_hands(certificate: Path, key: Path, host: str) -> None:
    """A whole TLS handshake in memory, host name checked; raises ssl.SSLError."""
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_context.load_cert_chain(certificate, key)
    client_context = ssl.create_default_context(cafile=str(certificate))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_context.wrap_bio(to_server, to_client, server_side=True)
    waiting = [client, server]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                continue
