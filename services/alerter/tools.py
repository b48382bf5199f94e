"""What every sender of this process shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.alerter.channels import Channel
from services.alerter.ledger import Policy
from services.alerter.pacing import Pacer
from services.alerter.tables import Destinations
from tinsom.clock import Clock
from tinsom.health import Health
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
    health: Health = field(default_factory=Health)
    pacers: dict[str, Pacer] = field(default_factory=dict)

    def dead_end(self, alias: str) -> str:
        """Why nothing can be sent there as things stand; '' when it can, or could with other settings."""
        to = self.destinations.all.get(alias)
        if to is None:
            return "unknown_destination"
        return "suspended" if to.state == "suspended" else ""

    def route(self, alias: str) -> Route | None:
        """None for a dead end, and for a channel that this process has no settings for."""
        to = self.destinations.all.get(alias)
        if to is None or self.dead_end(alias):
            return None
        channel = self.channels.get("recording" if self.recording else to.channel)
        return Route(to, channel) if channel is not None else None

    def remember_pace(self, sends: Iterable[tuple[float, str]]) -> None:
        """(when, alias) of a former owner's last requests: a restart must not run into the limits."""
        for at, alias in sorted(sends):
            if (route := self.route(alias)) is not None:
                self.pacer_of(route.channel).take(route.chat, route.is_group, at)

    def pacer_of(self, channel: Channel) -> Pacer:
        return self.pacers.setdefault(channel.name, Pacer(channel.pace))
