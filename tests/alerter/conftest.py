"""Certificates made for the run."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import require


@dataclass(frozen=True)
class Certificate:
    """`file` is what a client must trust; `server` is what a server shows."""

    file: str
    server: ssl.SSLContext


def _make(folder: Path, name: str) -> Certificate:
    openssl = require("openssl", "openssl")
    key, file = folder / f"{name}.key", folder / f"{name}.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name},IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(file)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key)
    return Certificate(str(file), context)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return _make(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.fixture(scope="session")
def wrong_certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """For another host, trusted by nobody."""
    return _make(tmp_path_factory.mktemp("tls"), "mail.example.test")
