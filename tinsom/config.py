"""`tinsom.yaml`: typed, checked whole at the start; secrets only by file or environment variable.

Unknown keys are errors. The environment is read here and nowhere else.
"""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from tinsom import localtime, redact
from tinsom.errors import ConfigError
from tinsom.messages import Channel, Match, Priority, Rhythm


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class LogConfig(_Section, frozen=True, kw_only=True):
    path: str = "tinsom.db"  # the embedded log; used unless `kafka` is set
    session: float = 10.0  # seconds until a silent process loses its partitions


class KafkaConfig(_Section, frozen=True, kw_only=True):
    bootstrap_servers: str
    replication: int = 1  # 3 in production, with min.insync.replicas 2
    session_timeout: float = 10.0  # seconds until a silent process loses its partitions
    transaction_timeout: float = 10.0  # an open transaction holds up every reader


class HttpConfig(_Section, frozen=True, kw_only=True):
    host: str = "127.0.0.1"
    port: int = 9464  # 0 turns /metrics, /live and /ready off


class CollectorConfig(_Section, frozen=True, kw_only=True):
    contact: str = ""  # e-mail or address in the User-Agent, for a web master who wants to talk
    timeout: float = 20.0  # seconds for one request
    concurrency: int = 20  # requests in flight
    allow_private: list[str] = []  # host names that may resolve to loopback or private addresses


class SourceConfig(_Section, frozen=True, kw_only=True):
    id: str
    url: str
    publisher: str = ""  # the host of `url` when empty
    name: str = ""
    kind: str = "feed"
    tier: int = 2
    timezone: str = "Asia/Ho_Chi_Minh"
    month_first: bool = False  # 10/2/2026 is 2 October
    interval: float = 300.0
    full_text: bool = True
    enabled: bool = True


class DestinationConfig(_Section, frozen=True, kw_only=True):
    alias: str
    channel: Channel
    address: str = ""  # chat id or mail address
    thread: int | None = None
    timezone: str = "Asia/Ho_Chi_Minh"
    digest: Rhythm = "daily"
    digest_at: str = "07:30"  # local time; a weekly digest comes on Monday
    quiet: list[str] = []  # local time: `22:00-06:30`, `sat,sun 00:00-24:00`; what came meanwhile is one digest
    breakthrough: bool = True  # urgent alerts come in quiet hours too
    budget: int = 30  # messages in an hour beside urgent ones; the rest goes to a digest; 0: no limit
    owner: str = ""  # alias of the destination that hears when this one takes nothing any more


class MuteConfig(_Section, frozen=True, kw_only=True):
    id: str
    match: Match
    until: datetime  # with a zone: 2026-12-01T00:00:00+07:00
    destination: str = ""  # everybody when empty
    author: str = ""


class SubscriptionConfig(_Section, frozen=True, kw_only=True):
    id: str
    destination: str
    match: Match = Match()
    priority: Priority = "normal"


class TelegramConfig(_Section, frozen=True, kw_only=True):
    token_file: str = ""
    token_env: str = ""
    api_url: str = "https://api.telegram.org"
    timeout: float = 15.0


class EmailConfig(_Section, frozen=True, kw_only=True):
    host: str
    tls: Literal["implicit", "starttls", "none"]  # explicit: no silent plain text
    sender: str
    port: int = 0  # 465, 587 or 25 by `tls` when 0
    username: str = ""
    password_file: str = ""
    password_env: str = ""
    ca_file: str = ""  # certificates to trust instead of the system's, for a relay of one's own
    timeout: float = 15.0


class AlerterConfig(_Section, frozen=True, kw_only=True):
    max_age_hours: float = 24.0  # an item older than this is not news
    language: Literal["vi", "en"] = "vi"


class Config(_Section, frozen=True, kw_only=True):
    namespace: str = "tinsom"
    log: LogConfig = LogConfig()
    kafka: KafkaConfig | None = None
    http: HttpConfig = HttpConfig()
    collector: CollectorConfig = CollectorConfig()
    alerter: AlerterConfig = AlerterConfig()
    taxonomy: str = ""  # a folder whose files extend or override the shipped ones
    sources: list[SourceConfig] = []
    destinations: list[DestinationConfig] = []
    subscriptions: list[SubscriptionConfig] = []
    mutes: list[MuteConfig] = []
    telegram: TelegramConfig | None = None
    email: EmailConfig | None = None


def load(path: Path) -> Config:
    """Read and check a configuration file; raises ConfigError naming file, place and reason."""
    return parse(read(path), str(path))


def read(path: Path) -> Any:
    """A YAML file as plain data; raises ConfigError."""
    try:
        return yaml.safe_load(path.read_text("utf-8")) or {}
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; `tinsom init` writes one to start from") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from None


def convert(raw: Any, where: str) -> Config:
    """Plain data as a configuration, types checked; raises ConfigError."""
    try:
        return msgspec.convert(raw, Config)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {error}") from None


def parse(raw: Any, where: str) -> Config:
    """`convert`, and nothing that `check` finds; raises ConfigError."""
    config = convert(raw, where)
    faults = check(config)
    if faults:
        raise ConfigError(f"{where}: {faults[0]}" + (f" (and {len(faults) - 1} more)" if faults[1:] else ""))
    return config


def check(config: Config) -> list[str]:
    """Faults that the types cannot see: double ids, references to nothing, channels without settings."""
    faults = []
    for what, ids in (
        ("sources", [s.id for s in config.sources]),
        ("destinations", [d.alias for d in config.destinations]),
        ("subscriptions", [s.id for s in config.subscriptions]),
        ("mutes", [m.id for m in config.mutes]),
    ):
        faults += [f"{what}: {i!r} occurs twice" for i in sorted({i for i in ids if ids.count(i) > 1})]
    aliases = {d.alias: d for d in config.destinations}
    for s in config.subscriptions:
        if s.destination not in aliases:
            faults.append(f"subscriptions: {s.id!r} names destination {s.destination!r}, which does not exist")
    for mute in config.mutes:
        if mute.destination and mute.destination not in aliases:
            faults.append(f"mutes: {mute.id!r} names destination {mute.destination!r}, which does not exist")
        if mute.until.tzinfo is None:
            faults.append(f"mutes: {mute.id!r} needs a zone in `until`: 2026-12-01T00:00:00+07:00")
    for d in config.destinations:
        faults += [f"destinations: {d.alias!r}: {fault}" for fault in localtime.faults(d)]
        if d.owner and d.owner not in aliases:
            faults.append(f"destinations: {d.alias!r} names owner {d.owner!r}, which does not exist")
        if d.channel in ("telegram", "email"):
            if getattr(config, d.channel) is None:
                faults.append(f"destinations: {d.alias!r} needs a `{d.channel}:` section")
            if not d.address:
                faults.append(f"destinations: {d.alias!r} needs an `address`")
    return faults


def secret(what: str, file: str, env: str) -> str:
    """A secret from its file or its environment variable; raises ConfigError that never quotes it."""
    if bool(file) == bool(env):
        raise ConfigError(f"{what}: set exactly one of `{what}_file` and `{what}_env`")
    if env:
        value = os.environ.get(env, "")
        where = f"environment variable {env}"
    else:
        where = file
        try:
            value = Path(file).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{what}: cannot read {file}: {type(error).__name__}") from None
    if not value:
        raise ConfigError(f"{what}: {where} is empty")
    redact.remember(value)
    return value
