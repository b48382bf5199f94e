"""What the command line asks of the alerter: one test message; who would be told of a text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from services.alerter import catalogue, matching, wiring
from services.alerter.channels import Channel
from services.alerter.plan import plan
from services.alerter.plan_stage import rules_of
from services.alerter.rendering import Letter
from services.alerter.responses import Verdict
from tinsom import codec
from tinsom.config import Config
from tinsom.errors import InputError, UnreachableError
from tinsom.ids import id_of
from tinsom.log import Log
from tinsom.messages import (
    Alert,
    Destination,
    Item,
    Notice,
    StoryChange,
    Subscription,
    Suppression,
    TaggedItem,
    Tags,
)

_TEST = {
    "vi": (
        "Tin thử của Tin sớm",
        "Nếu bạn đọc được dòng này, nơi nhận đã hoạt động. Không cần làm gì.",
        "Tin thử",
    ),
    "en": ("A test message of Tin sớm", "If you can read this, the destination works. Nothing to do.", "A test"),
}


async def send_test(config: Config, destination_alias: str) -> None:
    """Send one marked message to a configured destination.

    Raises InputError for an unknown alias or a destination that refuses, UnreachableError when the channel
    does not answer, ConfigError when it is not set up.
    """
    to = _destination(config, destination_alias)
    channels = wiring.channels(config, live=True)
    try:
        verdict = await _send(channels[to.channel], to, config.alerter.language)
    finally:
        for channel in channels.values():
            await channel.close()
    if verdict.kind in ("unreachable", "ambiguous", "unsure", "throttled", "retry"):
        raise UnreachableError(f"{destination_alias}: not delivered: {verdict.reason}")
    if verdict.kind != "delivered":
        raise InputError(f"{destination_alias}: refused: {verdict.reason}")


def _destination(config: Config, alias: str) -> Destination:
    for d in config.destinations:
        if d.alias == alias:
            return catalogue.destination(d)
    known = ", ".join(sorted(d.alias for d in config.destinations)) or "none"
    raise InputError(f"there is no destination {alias!r}; configured: {known}")


async def _send(channel: Channel, to: Destination, language: str) -> Verdict:
    letter = _test_letter(to, language, datetime.now(UTC))
    verdict = Verdict("rejected", "nothing_to_send")
    for part in channel.render(letter, to):
        verdict = channel.judge(await channel.send(to, part, before_write=lambda: None))
    return verdict


def _test_letter(to: Destination, language: str, now: datetime) -> Letter:
    title, lede, reason = _TEST[language]
    notice = Notice(title=title, url="", source="tinsom send-test", fetched_at=now, published_at=now, lede=lede)
    identity = id_of("test", to.alias, now.isoformat())
    alert = Alert(
        id=identity, destination=to.alias, story="test", revision=1, kind="new", item="test",
        subscriptions=["test"], reason=reason, notice=notice,
    )  # fmt: skip
    return Letter(alert=alert, timezone=to.timezone, language=language, decided_at=now)


def route_test(
    config: Config, item: Item, tags: Tags, now: datetime, called: Mapping[str, str] | None = None
) -> list[str]:
    """Who would get this item, and why; who would not, and which demand was not met. Nothing is sent.

    One line per subscription, in the order of the file, then what each destination would be told.
    `called`: id → name.
    """
    lines = []
    for s in config.subscriptions:
        hits = matching.hits(s.match, tags, item)
        why_not = matching.unmet(s.match, tags, item) or "asks for nothing"
        told = ", ".join(f"{hit.field}:{hit.id}" for hit in hits)
        lines.append(f"{'+' if hits else '-'} {s.id} → {s.destination}: {told if hits else 'not met: ' + why_not}")
    return lines + [_would_be(decision) for decision in _planned(config, item, tags, now, called)]


def _planned(
    config: Config, item: Item, tags: Tags, now: datetime, called: Mapping[str, str] | None
) -> list[Alert | Suppression]:
    tagged = TaggedItem(item=msgspec.Raw(codec.to_bytes(item)), tags=tags)
    change = StoryChange(
        story=item.id, revision=1, kind="new", item=item.id, tagged=msgspec.Raw(codec.to_bytes(tagged)),
        began_at=item.fetched_at, sources=[item.source], baseline=item.baseline,
    )  # fmt: skip
    subscriptions = [
        Subscription(id=s.id, destination=s.destination, match=s.match, priority=s.priority)
        for s in config.subscriptions
    ]
    mutes = [catalogue.mute(m) for m in config.mutes if m.until > now]
    return plan(change, subscriptions, rules_of(config.alerter), called, mutes)


def _would_be(decision: Alert | Suppression) -> str:
    if isinstance(decision, Suppression):
        return f"{decision.destination}: suppressed ({decision.reason})"
    return f"{decision.destination}: {decision.priority} alert; {decision.reason}"


async def pause(log: Log, paused: bool, now_ms: int) -> None:
    """Stop all sending from this namespace, or let it go on; alerts that come meanwhile wait."""
    await log.append([catalogue.pause_output(paused, now_ms)], writer="pause")
