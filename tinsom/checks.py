"""What the types of `tinsom.yaml` cannot see: double ids, references to nothing, values nobody can mean. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from tinsom import localtime
from tinsom.config import Config, KafkaSecurityConfig, SourceConfig
from tinsom.faults import Fault, did_you_mean
from tinsom.messages import Match

# Ids become keys, labels and parts of a command line.
_ID = re.compile(r"\w[\w.@+-]{0,99}")
# A namespace becomes part of topic names and file names.
NAMESPACE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,63}")
KINDS = ("feed", "sitemap", "listing")
TIERS = (1, 2, 3)
BACKFILL = 50  # more is an archive, not a message
_SHORTEST_INTERVAL = 1.0
_ASKS = (
    "initiatives", "agencies", "places", "documents", "keywords", "sources", "events", "deadline_days", "signals",
)  # fmt: skip
_OF_ITEMS = ("places", "documents", "keywords", "events", "deadline_days")  # a burst or silence has none


def check(config: Config, *, whole: bool = True) -> list[Fault]:
    """All faults; `whole` False when parts of the file could not be read, so that what refers to them is not
    called missing.
    """
    found = [*_general(config), *_ids(config), *_sources(config.sources), *_destinations(config)]
    found += [*_empty_matches(config), *_backfills(config)]
    if whole:
        found += [*_references(config), *_channels(config)]
    return found


def _general(config: Config) -> Iterator[Fault]:
    if not NAMESPACE.fullmatch(config.namespace):
        yield Fault(("namespace",), f"{config.namespace!r} is no name; use letters, digits, - and _")
    if not 0 <= config.http.port <= 65_535:
        yield Fault(("http", "port"), f"{config.http.port} is no port; 0 turns /metrics off")
    if config.collector.concurrency < 1:
        yield Fault(("collector", "concurrency"), "must be at least 1")
    for section, name in (("collector", "timeout"), ("telegram", "timeout"), ("email", "timeout")):
        holder = getattr(config, section)
        if holder is not None and getattr(holder, name) <= 0:
            yield Fault((section, name), "must be more than 0 seconds")
    if config.kafka is not None and not config.kafka.bootstrap_servers.strip():
        yield Fault(("kafka", "bootstrap_servers"), "is empty; write host:9092")


def _ids(config: Config) -> Iterator[Fault]:
    for section, name, rows in (
        ("sources", "id", config.sources),
        ("destinations", "alias", config.destinations),
        ("subscriptions", "id", config.subscriptions),
        ("mutes", "id", config.mutes),
    ):
        seen: Counter[str] = Counter()
        for number, row in enumerate(rows):
            given = getattr(row, name)
            if not _ID.fullmatch(given):
                yield Fault(
                    (section, number, name), f"{given!r} is no id; use letters, digits, - . _ and no space"
                )
            if seen[given]:
                yield Fault((section, number, name), f"{given!r} occurs twice")
            seen[given] += 1


def _sources(sources: Sequence[SourceConfig]) -> Iterator[Fault]:
    for number, source in enumerate(sources):
        for name, reason in _source_faults(source):
            yield Fault(("sources", number, name), reason)


def _source_faults(source: SourceConfig) -> Iterator[tuple[str, str]]:
    if not _is_web(source.url):
        yield "url", f"{source.url!r} is not an http or https address"
    if not _is_zone(source.timezone):
        yield "timezone", f"{source.timezone!r} is no time zone; write Asia/Ho_Chi_Minh"
    if source.kind not in KINDS:
        yield "kind", f"{source.kind!r} is not one of {', '.join(KINDS)}"
    if source.kind == "listing" and (source.selectors is None or not source.selectors.entry.strip()):
        yield "selectors", "a listing needs CSS selectors; write {entry: article, link: h3 a, date: time}"
    if source.kind != "listing" and source.selectors is not None:
        yield "selectors", f"are for `kind: listing`, this is a {source.kind}"
    if source.tier not in TIERS:
        yield "tier", f"{source.tier} is not 1 (official), 2 (press) or 3 (other)"
    if source.interval < _SHORTEST_INTERVAL:
        yield "interval", f"{source.interval:g} is too short; at least {_SHORTEST_INTERVAL:g} second"


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _destinations(config: Config) -> Iterator[Fault]:
    for number, destination in enumerate(config.destinations):
        for reason in localtime.faults(destination):
            yield Fault(("destinations", number), reason)
    for number, mute in enumerate(config.mutes):
        if mute.until.tzinfo is None:
            yield Fault(("mutes", number, "until"), "needs a zone: 2026-12-01T00:00:00+07:00")


def unknown_match_keys(data: Any) -> Iterator[Fault]:
    """Messages on the log take unknown fields; in a file one is a misspelt wish that would never match."""
    known = Match.__struct_fields__
    for section in ("subscriptions", "mutes"):
        for number, row in enumerate(_rows(data, section)):
            match = row.get("match")
            for key in match if isinstance(match, dict) else ():
                if key not in known:
                    reason = f"unknown key{did_you_mean(str(key), known) or '; there are ' + ', '.join(known)}"
                    yield Fault((section, number, "match", str(key)), reason)


def _rows(data: Any, section: str) -> Iterable[dict[str, Any]]:
    rows = data.get(section) if isinstance(data, dict) else None
    # Places count from the file's own list: a row that is none keeps its number.
    return (row if isinstance(row, dict) else {} for row in rows) if isinstance(rows, list) else ()


def _empty_matches(config: Config) -> Iterator[Fault]:
    matches = [(("subscriptions", n, "match"), s.match) for n, s in enumerate(config.subscriptions)]
    matches += [(("mutes", n, "match"), m.match) for n, m in enumerate(config.mutes)]
    for place, match in matches:
        if not any(getattr(match, name) for name in _ASKS):
            yield Fault(place, f"asks for nothing; give at least one of {', '.join(_ASKS)}")
        elif reason := _dead(match):
            yield Fault(place, f"never fires: {reason}")


def _backfills(config: Config) -> Iterator[Fault]:
    for number, subscription in enumerate(config.subscriptions):
        place = ("subscriptions", number, "backfill")
        if not 0 <= subscription.backfill <= BACKFILL:
            yield Fault(place, f"{subscription.backfill} is not between 0 and {BACKFILL} stories")
        elif subscription.backfill and subscription.match.signals:
            yield Fault(place, "tells of stories; a subscription with `signals` gets none")


def _dead(match: Match) -> str:
    """Why no burst and no silence can meet what stands beside `signals`; '' when one can, or none is meant."""
    if not match.signals:
        return ""
    if asked := [name for name in _OF_ITEMS if getattr(match, name)]:
        return f"a burst or silence has no {', '.join(asked)}; take these out, or `signals`"
    subjects = match.initiatives or match.agencies
    if "burst" not in match.signals and subjects and not match.sources:
        return "a silence is a source's; give `sources` instead of initiatives or agencies"
    if "silence" not in match.signals and match.sources and not subjects:
        return "a burst is an initiative's or agency's; give these instead of `sources`"
    return ""


def _references(config: Config) -> Iterator[Fault]:
    aliases = [destination.alias for destination in config.destinations]
    named = [(("subscriptions", n, "destination"), s.destination) for n, s in enumerate(config.subscriptions)]
    named += [(("mutes", n, "destination"), m.destination) for n, m in enumerate(config.mutes) if m.destination]
    named += [(("destinations", n, "owner"), d.owner) for n, d in enumerate(config.destinations) if d.owner]
    for place, alias in named:
        if alias not in aliases:
            known = did_you_mean(alias, aliases) or f"; there are: {', '.join(aliases) or 'none'}"
            yield Fault(place, f"there is no destination {alias!r}{known}")


def _channels(config: Config) -> Iterator[Fault]:
    for number, destination in enumerate(config.destinations):
        if destination.channel in ("telegram", "email", "webhook", "apprise"):
            if getattr(config, destination.channel) is None:
                reason = f"{destination.alias!r} needs a section `{destination.channel}:`"
                yield Fault(("destinations", number, "channel"), reason)
            if not destination.address:
                yield Fault(("destinations", number), f"{destination.alias!r} needs an `address`")
    yield from _secrets(config)


def _secrets(config: Config) -> Iterator[Fault]:
    """Which secret is meant; whether it can be read is seen where it is needed."""
    if (telegram := config.telegram) is not None and bool(telegram.token_file) == bool(telegram.token_env):
        yield Fault(("telegram",), "set exactly one of `token_file` and `token_env`")
    if (webhook := config.webhook) is not None and bool(webhook.secret_file) == bool(webhook.secret_env):
        yield Fault(("webhook",), "set exactly one of `secret_file` and `secret_env`")
    if config.apprise is not None and not config.apprise.addresses_file:
        yield Fault(("apprise", "addresses_file"), "must name a file")
    if config.kafka is not None and config.kafka.security is not None:
        for reason in _security_faults(config.kafka.security):
            yield Fault(("kafka", "security"), reason)
    if (email := config.email) is None:
        return
    if (door := email.unsubscribe) is not None:
        if not door.url.startswith("https://"):
            yield Fault(("email", "unsubscribe", "url"), "must begin with https://, as mail programs demand")
        if bool(door.key_file) == bool(door.key_env):
            yield Fault(("email", "unsubscribe"), "set exactly one of `key_file` and `key_env`")
    given = bool(email.password_file) + bool(email.password_env)
    if email.username and given != 1:
        yield Fault(("email",), "set exactly one of `password_file` and `password_env` for `username`")
    if not email.username and given:
        yield Fault(("email",), "a password needs a `username`")


def _security_faults(security: KafkaSecurityConfig) -> Iterator[str]:
    given = bool(security.password_file) + bool(security.password_env)
    if security.mechanism and not (security.username and given == 1):
        yield f"{security.mechanism} needs a `username` and exactly one of `password_file` and `password_env`"
    if not security.mechanism and (security.username or given):
        yield "a name and a password need a `mechanism`; write SCRAM-SHA-512, or what the brokers know"
    if security.mechanism == "PLAIN" and not security.tls:
        yield "PLAIN without TLS would send the password readable; set `tls: true`, or take SCRAM-SHA-512"
    if not security.tls and (security.ca_file or security.certificate_file or security.key_file):
        yield "certificates need `tls: true`"
    if security.key_file and not security.certificate_file:
        yield "a `key_file` needs its `certificate_file`"
