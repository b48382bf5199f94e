"""How fast may be sent: per chat, per group, per channel. Pure: time is a parameter.

Telegram's advice (bots FAQ): about 1 message/s in a chat, 20 in a minute in a group, 30/s over all. The
windows are a little longer than that, since requests do not travel equally fast.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

MARGIN = 0.05
CHATS = 10_000  # that are remembered without a look at which of them still count


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` sends in any window of `seconds`; the last `reserve` of them are for what is urgent."""

    count: int
    seconds: float
    reserve: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """Limits of one channel; an empty tuple is no limit."""

    chat: tuple[Limit, ...] = ()
    group: tuple[Limit, ...] = ()
    channel: tuple[Limit, ...] = ()


UNLIMITED = Pace()
TELEGRAM = Pace(
    chat=(Limit(1, 1.0),),
    group=(Limit(1, 1.0), Limit(20, 60.0, reserve=4)),
    channel=(Limit(30, 1.0, reserve=2),),
)


@dataclass
class Window:
    """Times of the sends that still count against `limits`."""

    limits: tuple[Limit, ...]
    times: deque[float] = field(default_factory=deque)

    def free_at(self, now: float, urgent: bool) -> float:
        """The earliest moment, not before `now`, at which one more send keeps every limit."""
        return max([now, *(self._free_at(limit, urgent) for limit in self.limits)])

    def _free_at(self, limit: Limit, urgent: bool) -> float:
        count = limit.count if urgent else limit.count - limit.reserve
        if len(self.times) < count:
            return 0.0
        return self.times[-count] + limit.seconds * (1 + MARGIN)

    def calm_at(self, now: float) -> float:
        """The earliest moment, not before `now`, at which nothing that was sent counts any more."""
        if not self.times:
            return now
        longest = max((limit.seconds for limit in self.limits), default=0.0)
        return max(now, self.times[-1] + longest * (1 + MARGIN))

    def take(self, now: float) -> None:
        self.times.append(now)
        longest = max((limit.count for limit in self.limits), default=0)
        while len(self.times) > longest:
            self.times.popleft()


@dataclass
class Pacer:
    """All windows of one channel, and the pauses that its answers asked for."""

    pace: Pace
    _all: Window = field(init=False)
    _chats: dict[str, Window] = field(default_factory=dict)
    _paused: dict[str, float] = field(default_factory=dict)
    _under_way: Counter[str] = field(default_factory=Counter)
    _channel_paused: float = 0.0

    def __post_init__(self) -> None:
        self._all = Window(self.pace.channel)

    def free_at(self, chat: str, group: bool, now: float, urgent: bool = False) -> float:
        pauses = max(self._paused.get(chat, 0.0), self._channel_paused)
        return max(self._all.free_at(now, urgent), self._chat(chat, group).free_at(now, urgent), pauses)

    def calm_at(self, now: float) -> float:
        """When the whole channel has been still for as long as its limits look back."""
        return self._all.calm_at(now)

    def take(self, chat: str, group: bool, now: float) -> None:
        self._all.take(now)
        self._chat(chat, group).take(now)
        if len(self._chats) > CHATS:
            self._forget(now)

    def begin(self, chat: str) -> None:
        """A send to this chat has its turn, and is not written yet: its intent is committed first."""
        self._under_way[chat] += 1

    def written(self, chat: str, group: bool, now: float) -> None:
        """It is written only now: what comes next counts from here."""
        for window in (self._all, self._chat(chat, group)):
            if window.times:
                window.times[-1] = max(window.times[-1], now)

    def end(self, chat: str) -> None:
        self._under_way[chat] -= 1

    def is_idle(self, chat: str) -> bool:
        """Nothing is about to be written to this chat."""
        return self._under_way[chat] <= 0

    def pause_chat(self, chat: str, until: float) -> None:
        self._paused[chat] = max(until, self._paused.get(chat, 0.0))

    def pause_channel(self, until: float) -> None:
        self._channel_paused = max(until, self._channel_paused)

    def _forget(self, now: float) -> None:
        """Drop the windows and pauses that hold nothing back: strangers decide how many chats there are."""
        self._chats = {chat: window for chat, window in self._chats.items() if window.calm_at(now) > now}
        self._paused = {chat: until for chat, until in self._paused.items() if until > now}

    def _chat(self, chat: str, group: bool) -> Window:
        if chat not in self._chats:
            self._chats[chat] = Window(self.pace.group if group else self.pace.chat)
        return self._chats[chat]
