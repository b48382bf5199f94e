"""`tinsom forecast`: what the file's subscriptions and mutes would have done, told from the log alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime

from services.alerter import catalogue
from services.alerter.bot import past
from services.alerter.bot.past import Line
from services.alerter.bot.pastlog import PastLog
from services.alerter.plan_stage import rules_of
from services.alerter.rehearsal import hidden
from tinsom.clock import Clock
from tinsom.config import Config
from tinsom.log import Log
from tinsom.messages import Subscription
from tinsom.words import counted


async def forecast(config: Config, log: Log, clock: Clock) -> AsyncIterator[str]:
    """A line for each subscription and each mute of `config`, with the latest that it speaks of below it."""
    known = PastLog(log, clock, rules_of(config.alerter))
    await known.refresh()
    if not known.past.entries:
        yield "nothing known yet: the log holds no story of the last 30 days"
        return
    now = clock.now()
    wishes = [Subscription(id=s.id, destination=s.destination, match=s.match) for s in config.subscriptions]
    for wish in wishes:
        found = past.forecast(known.past, wish.match, known.rules, now)
        often = f"{found.count} in {counted(found.whole_days, 'day')}, {found.per_day:.1f} a day"
        yield f"{wish.id} → {wish.destination}: {often}"
        for line in _latest(found.latest):
            yield line
    for rule in map(catalogue.mute, config.mutes):
        less = hidden(known.past, rule, wishes, known.rules, now)
        yield f"mute {rule.id} → {rule.destination or 'everybody'}: would hide {less.count} of {less.of}"
        for line in _latest(less.latest):
            yield line


def _latest(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        yield f"    {datetime.fromtimestamp(line.at, UTC):%Y-%m-%d %H:%M} {line.title}"
