"""Is this process alive, is it ready, what does it own: what the probes and the watchdog ask."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

# A loop that has not come round in this time is stuck (facts: stuck consumers after broker restarts).
STUCK_AFTER = 60.0


@dataclass
class Health:
    """Each part of the process reports here; monotonic time, since no wall clock may make it sick.

    Read by the watchdog's thread too: each question copies what it looks at.
    """

    stuck_after: float = STUCK_AFTER
    _progress: dict[str, float] = field(default_factory=dict)
    _ready: dict[str, bool] = field(default_factory=dict)
    _owned: dict[str, frozenset[int]] = field(default_factory=dict)

    def expect(self, part: str) -> None:
        """Not ready until `part` is."""
        self._ready[part] = False

    def ready(self, part: str) -> None:
        self._ready[part] = True
        self.progress(part)

    def progress(self, part: str) -> None:
        self._progress[part] = time.monotonic()

    def stuck(self) -> list[str]:
        limit = time.monotonic() - self.stuck_after
        return [part for part, at in list(self._progress.items()) if at < limit]

    def done(self, part: str) -> None:
        """`part` has ended by itself; nothing is expected of it any more."""
        self._progress.pop(part, None)

    def gained(self, stage: str, partition: int) -> None:
        """This process reads `partition` now: its offset is expected to move."""
        self._owned[stage] = self.owned(stage) | {partition}

    def lost(self, stage: str, partition: int) -> None:
        """It is given away, or stopped itself with an alarm."""
        self._owned[stage] = self.owned(stage) - {partition}

    def owned(self, stage: str) -> frozenset[int]:
        return self._owned.get(stage, frozenset())

    @property
    def alive(self) -> bool:
        return not self.stuck()

    @property
    def is_ready(self) -> bool:
        """False before any part is expected: a process that has only begun is not ready."""
        return bool(self._ready) and all(self._ready.values())
