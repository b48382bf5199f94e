"""How this side and the brokers prove themselves to each other, by TLS and SASL; and what went wrong."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import KafkaError, SaslAuthenticationFailed, UnsupportedSaslMechanismError

from tinsom.config import KafkaSecurityConfig, secret
from tinsom.errors import ConfigError

PROBE_SECONDS = 5.0  # for one broker


@dataclass(frozen=True)
class Security:
    """What every client is made with; nothing of it: plain text, to brokers that ask for no name."""

    context: ssl.SSLContext | None = None
    mechanism: str = ""
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def settings(self) -> dict[str, Any]:
        """Arguments that all of aiokafka's clients and connections take."""
        protocol = ("SASL_" if self.mechanism else "") + ("PLAINTEXT" if self.context is None else "SSL")
        settings: dict[str, Any] = {"security_protocol": protocol, "ssl_context": self.context}
        if self.mechanism:
            settings["sasl_mechanism"] = self.mechanism
            settings["sasl_plain_username"] = self.username
            settings["sasl_plain_password"] = self.password
        return settings


PLAIN = Security()


def of(config: KafkaSecurityConfig | None) -> Security:
    """Reads the files that are named; raises ConfigError with what is wrong with which."""
    if config is None:
        return PLAIN
    password = ""
    if config.mechanism:
        password = secret("kafka.security.password", config.password_file, config.password_env)
    return Security(_context(config) if config.tls else None, config.mechanism, config.username, password)


def _context(config: KafkaSecurityConfig) -> ssl.SSLContext:
    """Names are always checked: a broker's certificate must be for the address that it is reached at."""
    for name in ("ca_file", "certificate_file", "key_file"):
        _check_readable(name, getattr(config, name))
    try:
        context = ssl.create_default_context(cafile=config.ca_file or None)
    except ssl.SSLError:
        raise _fault("ca_file", f"{config.ca_file} holds no certificate in PEM") from None
    if config.certificate_file:
        try:
            # A password would be asked for on the terminal, and never come.
            context.load_cert_chain(config.certificate_file, config.key_file or None, password=lambda: "")
        except ssl.SSLError:
            files = f"{config.certificate_file} and {config.key_file or 'the key in it'}"
            raise _fault("certificate_file", f"{files} are no pair in PEM, or the key has a password") from None
    return context


def _check_readable(name: str, path: str) -> None:
    try:
        if path:
            Path(path).read_bytes()
    except OSError as error:
        raise _fault(name, f"cannot read {path}: {error.strerror}") from None


def _fault(setting: str, reason: str) -> ConfigError:
    return ConfigError(reason, ("kafka", "security", setting))


async def objection(bootstrap_servers: str, security: Security) -> str:
    """Why no broker lets this side in, as one sentence; '' when none answers at all.

    aiokafka tells its log, not its caller, and goes on to the next address.
    """
    for host, port, _ in collect_hosts(bootstrap_servers):
        if reason := await _objection_of(host, port, security):
            return f"{host}:{port} {reason}"
    return ""


async def _objection_of(host: str, port: int, security: Security) -> str:
    milliseconds = round(PROBE_SECONDS * 1000)
    try:
        async with asyncio.timeout(PROBE_SECONDS):
            connection = await create_conn(host, port, request_timeout_ms=milliseconds, **security.settings)
    except (OSError, KafkaError, TimeoutError, asyncio.IncompleteReadError) as error:
        return explained(error, security)
    connection.close()
    return ""


def explained(error: BaseException, security: Security) -> str:
    """What an attempt to connect says of the settings; '' when it says nothing. Pure."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"shows a certificate that is not trusted ({error.verify_message}): see `ca_file`, and its names"
    if isinstance(error, ssl.SSLError):
        reason = error.reason or error
        return f"does not agree on TLS ({reason}): does this port speak it, and want a `certificate_file`?"
    if isinstance(error, SaslAuthenticationFailed):
        return f"refuses {security.username!r}: wrong name or password for {security.mechanism}"
    if isinstance(error, UnsupportedSaslMechanismError):
        return f"knows no {security.mechanism}: choose another `mechanism`"
    return ""
