"""Brokers that want TLS, a certificate, a name and its password: on a real one, by every client we make."""

from __future__ import annotations

import dataclasses
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import require
from tests.kafka.broker import Cluster, Door, free_ports
from tests.kafka.fixtures import fetch_libs
from tests.log.echo import TOPICS, pass_through
from tests.log.test_conformance import everything, numbered
from tests.waiting import shown
from tinsom.config import KafkaSecurityConfig
from tinsom.errors import ConfigError, LogError, UnreachableError
from tinsom.log.kafka import KafkaLog, security
from tinsom.log.kafka.cluster import ANSWER_SECONDS
from tinsom.log.kafka.security import PLAIN, Security

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("quiet")]

PASSWORD = "canary-secret"
KAFKA = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Guarded:
    """A broker's address by kind of door, and the files that open it."""

    passwords: str
    certificates: str
    plain: str
    ca_file: str
    other_ca: str
    certificate_file: str
    key_file: str
    password_file: str

    def config(self, mechanism: str = "SCRAM-SHA-512", **changes: str) -> KafkaSecurityConfig:
        fields = {"ca_file": self.ca_file, "username": "tinsom", "password_file": self.password_file} | changes
        return KafkaSecurityConfig(tls=True, mechanism=mechanism, **fields)  # type: ignore[arg-type]


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """Self-signed, for this host: (certificate, key), both in PEM."""
    openssl = require("openssl", "openssl")
    file, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    return file, key


@pytest.fixture(scope="module")
def guarded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    fetch_libs(request.config)
    folder = tmp_path_factory.mktemp("kafka-tls")
    broker, broker_key = certificate(folder, "broker")
    ours, our_key = certificate(folder, "tinsom")
    other, _ = certificate(folder, "other")
    store = folder / "store.pem"
    store.write_text(broker_key.read_text() + broker.read_text())
    (folder / "password").write_text(PASSWORD)
    passwords, certificates = free_ports(2)
    door = Door(
        ports={"PASSWORDS": passwords, "CERTIFICATES": certificates},
        protocols={"PASSWORDS": "SASL_SSL", "CERTIFICATES": "SSL"},
        settings={
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(ours),
            "listener.name.certificates.ssl.client.auth": "required",
            "listener.name.passwords.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.passwords.scram-sha-512.sasl.jaas.config": f"{KAFKA}.scram.ScramLoginModule required;",
            "listener.name.passwords.plain.sasl.jaas.config": (
                f'{KAFKA}.plain.PlainLoginModule required user_tinsom="{PASSWORD}";'
            ),
        },
        scram=[f"SCRAM-SHA-512=[name=tinsom,password={PASSWORD}]"],
    )
    with Cluster(door=door) as cluster:
        yield Guarded(
            passwords=f"127.0.0.1:{passwords}", certificates=f"127.0.0.1:{certificates}",
            plain=cluster.bootstrap, ca_file=str(broker), other_ca=str(other), certificate_file=str(ours),
            key_file=str(our_key), password_file=str(folder / "password"),
        )  # fmt: skip


async def passes(bootstrap: str, namespace: str, by: Security) -> None:
    """Admin, producers, a member, readers: all of them get in."""
    log = KafkaLog(bootstrap, namespace, session_timeout=3.0, topics=TOPICS, security=by)
    await log.start()
    try:
        await log.append(numbered(8), writer="w")
        await pass_through(log, "g", until=8)
        assert len(await everything(log, "out", 8)) == 8
        await shown(lambda: log.committed("g", "in"), bool)
    finally:
        await log.close()


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-512", "PLAIN"])
async def test_by_name_and_password_over_tls(guarded: Guarded, namespace: str, mechanism: str) -> None:
    await passes(guarded.passwords, namespace, security.of(guarded.config(mechanism)))


async def test_by_a_certificate_of_our_own(guarded: Guarded, namespace: str) -> None:
    config = KafkaSecurityConfig(
        tls=True, ca_file=guarded.ca_file, certificate_file=guarded.certificate_file, key_file=guarded.key_file
    )
    await passes(guarded.certificates, namespace, security.of(config))


async def refusal(bootstrap: str, namespace: str, by: Security) -> str:
    """The line that a start ends with, without the password; sooner than a question that nobody answers."""
    log = KafkaLog(bootstrap, namespace, topics=TOPICS, security=by)
    began = time.monotonic()
    with pytest.raises((LogError, UnreachableError)) as caught:
        await log.start()
    assert time.monotonic() - began < ANSWER_SECONDS
    line = str(caught.value)
    assert "\n" not in line
    assert PASSWORD not in line + repr(by)
    return line


async def test_what_is_wrong_is_said_in_one_line(guarded: Guarded, namespace: str) -> None:
    right = security.of(guarded.config())
    line = await refusal(guarded.passwords, namespace, dataclasses.replace(right, password=PASSWORD + "x"))
    assert line.endswith(f"{guarded.passwords} refuses 'tinsom': wrong name or password for SCRAM-SHA-512")
    line = await refusal(guarded.passwords, namespace, security.of(guarded.config(username="nobody")))
    assert "refuses 'nobody'" in line
    line = await refusal(guarded.passwords, namespace, security.of(guarded.config("SCRAM-SHA-256")))
    assert "knows no SCRAM-SHA-256" in line
    line = await refusal(guarded.passwords, namespace, security.of(guarded.config(ca_file=guarded.other_ca)))
    assert "shows a certificate that is not trusted" in line
    assert "`ca_file`" in line


async def test_the_wrong_kind_of_door(guarded: Guarded, namespace: str) -> None:
    trusting = Security(ssl.create_default_context(cafile=guarded.ca_file))
    for bootstrap, by in (
        (guarded.plain, security.of(guarded.config())),
        (guarded.passwords, PLAIN),
        (guarded.passwords, trusting),
        (guarded.certificates, trusting),
    ):
        line = await refusal(bootstrap, namespace, by)
        assert "`security`" in line or "TLS" in line


def test_files_that_cannot_be_used(guarded: Guarded, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    for changes, named in (
        ({"ca_file": str(tmp_path / "none")}, "ca_file: cannot read"),
        ({"ca_file": str(tmp_path / "empty")}, "ca_file: .*holds no certificate"),
        ({"certificate_file": guarded.other_ca, "key_file": guarded.key_file}, "certificate_file: .*are no pair"),
        ({"certificate_file": guarded.ca_file, "key_file": ""}, "certificate_file: .*are no pair"),
        ({"password_file": str(tmp_path / "empty")}, "password_file: .*is empty"),
    ):
        with pytest.raises(ConfigError, match=rf"kafka\.security\.{named}"):
            security.of(guarded.config(**changes))
