"""The stage `plan`: reads `story-changes`, writes alerts and suppressions to `alerts`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import msgspec

from services.alerter.plan import Rules, plan
from services.alerter.tables import Subscriptions
from tinsom import codec, metrics
from tinsom.config import AlerterConfig
from tinsom.errors import DecodeError
from tinsom.log import Output, Partition, Record
from tinsom.messages import Alert, StoryChange, Suppression
from tinsom.worker import Handled, Stage


def rules_of(config: AlerterConfig) -> Rules:
    return Rules(max_age=timedelta(hours=config.max_age_hours), language=config.language)


@dataclass
class PlanStage(Stage):
    """Outcome of a change: `alert` if any destination is told, else `suppressed`, else `unmatched`."""

    subscriptions: Subscriptions
    rules: Rules
    name = "plan"
    topic = "story-changes"
    outcomes = ("alert", "suppressed", "unmatched")

    async def gained(self, partition: Partition) -> None:
        await self.subscriptions.load()

    def handle(self, partition: Partition, record: Record, now: float) -> Handled:
        change = codec.decode_as(record, StoryChange)
        try:
            mutes = self.subscriptions.mutes_at(now)
            decisions = plan(change, self.subscriptions.all, self.rules, mutes=mutes)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DecodeError("schema", str(error)) from error
        for decision in decisions:
            _count(decision)
        return Handled([_output(d, record.timestamp) for d in decisions], outcome(decisions))


def outcome(decisions: list[Alert | Suppression]) -> str:
    if not decisions:
        return "unmatched"
    return "alert" if any(isinstance(d, Alert) for d in decisions) else "suppressed"


def _output(decision: Alert | Suppression, timestamp: int) -> Output:
    return codec.output(
        "alerts", decision.id, decision, timestamp, source="plan", partition_by=decision.destination
    )


def _count(decision: Alert | Suppression) -> None:
    if isinstance(decision, Alert):
        metrics.ALERTS.labels(decision.kind, decision.priority).inc()
    else:
        metrics.SUPPRESSIONS.labels(decision.reason).inc()
