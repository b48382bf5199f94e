"""What every sender of this process shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.alerter.channels import Channel
from services.alerter.ledger import Policy
from services.alerter.pacing import Pacer
from services.alerter.tables import Destinations
from tinsom.clock import Clock
from tinsom.messages import Destination


@dataclass(frozen=True, slots=True)
class Route:
    """Where a delivery goes, and through what."""

    to: Destination
    channel: Channel

    @property
    def chat(self) -> str:
        """What a channel's limits are counted by: two aliases of one chat share them."""
        return self.to.address or self.to.alias

    @property
    def is_group(self) -> bool:
        return self.channel.is_group(self.to)


@dataclass
class Tools:
    """`clock`: the work's time; `wall`: real time (see `ledger`)."""

    channels: Mapping[str, Channel]
    destinations: Destinations
    clock: Clock
    wall: Clock
    policy: Policy = field(default_factory=Policy)
    language: str = "vi"
    recording: bool = False  # a replay: whatever a destination says, it is recorded
    pacers: dict[str, Pacer] = field(default_factory=dict)

    def route(self, alias: str) -> Route | None:
        """None for a destination that does not exist, has no channel here, or takes nothing any more."""
        to = self.destinations.all.get(alias)
        if to is None or to.state == "suspended":
            return None
        channel = self.channels.get("recording" if self.recording else to.channel)
        return Route(to, channel) if channel is not None else None

    def pacer_of(self, channel: Channel) -> Pacer:
        return self.pacers.setdefault(channel.name, Pacer(channel.pace))
