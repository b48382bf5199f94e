"""Who tries invitation codes by the dozen. Pure: time is a parameter."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

CODES, WITHIN = 5, 3_600.0  # so many from one chat in so many seconds; then it is not answered
CHATS = 1_000  # that are remembered: strangers decide how many there are


@dataclass
class Guesses:
    """Wrong codes of the last hour, by chat; the chat that tried last stands last."""

    _wrong: dict[str, deque[float]] = field(default_factory=dict)

    def add(self, chat: str, now: float) -> None:
        tries = self._wrong.pop(chat, None) or deque(maxlen=CODES)
        tries.append(now)
        self._wrong[chat] = tries
        self._forget(now)

    def too_many(self, chat: str, now: float) -> bool:
        tries = self._wrong.get(chat)
        return tries is not None and len(tries) == CODES and now - tries[0] < WITHIN

    def __len__(self) -> int:
        return len(self._wrong)

    def _forget(self, now: float) -> None:
        while self._wrong:
            oldest = next(iter(self._wrong))
            if len(self._wrong) <= CHATS and now - self._wrong[oldest][-1] < WITHIN:
                return
            del self._wrong[oldest]
