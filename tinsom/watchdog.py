"""What a process watches about itself: parts that hang, unread records that stand still, a deadline to leave.

A stuck process cannot mend itself: it leaves, and the supervisor starts it again. All of it runs in threads of
its own, since a loop that hangs runs no task either.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from tinsom.health import Health

logger = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
# Owned, unread records, and the offset has not moved for so long: the consumer is stuck (aiokafka #1154).
STANDSTILL_SECONDS = 180.0


@contextmanager
def watching(health: Health) -> Iterator[None]:
    """Leave with code 1 as soon as a part is stuck, while the block runs."""
    over = threading.Event()
    thread = threading.Thread(target=_watch, args=(health, over), name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _watch(health: Health, over: threading.Event) -> None:
    before: set[str] = set()
    while not over.wait(min(LOOK_SECONDS, health.stuck_after / 4)):
        stuck = set(health.stuck())
        # At the second look: the first leaves the probe time to say it, and a part that only was late its own.
        if before & stuck:
            logger.critical("stuck, leaving", parts=sorted(before & stuck))
            leave(1)
        before = stuck


def leave_after(seconds: float) -> None:
    """Leave with code 1 when the process is still there in `seconds`, whatever it waits for."""

    def late() -> None:
        logger.critical("did not end in time, leaving", seconds=seconds)
        leave(1)

    timer = threading.Timer(seconds, late)
    timer.daemon = True
    timer.start()


def leave(code: int) -> None:
    """End at once, showing where every thread stands; the log is consistent at any moment."""
    faulthandler.dump_traceback(sys.__stderr__ or sys.stderr)
    os._exit(code)


@dataclass
class Standstill:
    """Notices unread records whose offset does not move; pure, times in seconds."""

    limit: float = STANDSTILL_SECONDS
    _seen: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)

    def stuck(self, stage: str, partition: int, unread: int, committed: int, now: float) -> bool:
        """True when `partition` has had unread records at the same offset for more than `limit` seconds."""
        before = self._seen.get((stage, partition))
        if unread == 0 or before is None or before[0] != committed:
            self._seen[stage, partition] = (committed, now)
            return False
        return now - before[1] > self.limit


@dataclass
class Hidden:
    """For how long records have been hidden behind one and the same transaction; pure, times in seconds."""

    _since: dict[tuple[str, int], tuple[int, float]] = field(default_factory=dict)

    def seconds(self, hidden: Mapping[tuple[str, int], int], now: float) -> dict[str, float]:
        """By topic, the longest; `hidden` as of `now` (see `Log.hidden`)."""
        before, self._since = self._since, {}
        longest: dict[str, float] = {}
        for id, offset in hidden.items():
            known = before.get(id)
            since = known[1] if known is not None and known[0] == offset else now
            self._since[id] = (offset, since)
            longest[id[0]] = max(longest.get(id[0], 0.0), now - since)
        return longest
