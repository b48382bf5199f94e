"""Which source is next: due times in a heap, one source of a publisher at a time. Pure: time is an argument."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Agenda:
    _due: dict[str, tuple[float, str]] = field(default_factory=dict)  # source → when, publisher
    _heap: list[tuple[float, str]] = field(default_factory=list)
    _busy: dict[str, str] = field(default_factory=dict)  # publisher → source being polled
    _waiting: defaultdict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))

    def put(self, source: str, publisher: str, due: float) -> None:
        """Poll `source` at `due` (seconds since the epoch), instead of whenever it was to be polled."""
        self._due[source] = (due, publisher)
        heapq.heappush(self._heap, (due, source))

    def put_unless_sooner(self, source: str, publisher: str, due: float) -> None:
        """As `put`, but what somebody put meanwhile (the source was changed) counts if it is sooner."""
        if self._due.get(source, (due, ""))[0] >= due:
            self.put(source, publisher, due)

    def remove(self, source: str) -> None:
        self._due.pop(source, None)

    def start(self, now: float) -> str | None:
        """The source to poll now, if any; its publisher is busy until `finish`."""
        while self._heap and self._heap[0][0] <= now:
            due, source = heapq.heappop(self._heap)
            if self._due.get(source, (None, ""))[0] != due:
                continue  # removed, or put again with another time
            publisher = self._due[source][1]
            if publisher in self._busy:
                self._waiting[publisher].append(source)
                continue
            self._busy[publisher] = source
            del self._due[source]
            return source
        return None

    def finish(self, source: str, publisher: str) -> None:
        """The poll of `source` ended: the publisher's next one may begin."""
        if self._busy.get(publisher) == source:
            del self._busy[publisher]
        for waiting in self._waiting.pop(publisher, ()):
            if waiting in self._due:
                heapq.heappush(self._heap, (self._due[waiting][0], waiting))

    def next_due(self) -> float | None:
        """When the next source is due, as far as its publisher is free."""
        while self._heap and self._due.get(self._heap[0][1], (None, ""))[0] != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
