"""The reminders that are open, by story and by time. Pure; it follows from their records alone."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime

from tinsom import messages as m


class Diary:
    def __init__(self) -> None:
        self.reminders: dict[str, m.Reminder] = {}
        self._of_story: dict[str, set[str]] = {}
        self._next: list[tuple[datetime, str]] = []  # heap; an entry that is not a reminder's first is stale

    def put(self, reminder: m.Reminder) -> None:
        self.drop(reminder.id)
        self.reminders[reminder.id] = reminder
        self._of_story.setdefault(reminder.story, set()).add(reminder.id)
        heapq.heappush(self._next, (reminder.due[0], reminder.id))

    def drop(self, identity: str) -> None:
        reminder = self.reminders.pop(identity, None)
        if reminder is None:
            return
        ids = self._of_story[reminder.story]
        ids.discard(identity)
        if not ids:
            del self._of_story[reminder.story]

    def of(self, stories: Iterable[str]) -> list[m.Reminder]:
        """Those of the given stories, in the order of their ids."""
        ids = sorted(identity for story in stories for identity in self._of_story.get(story, ()))
        return [self.reminders[identity] for identity in ids]

    def due(self, now: datetime, most: int) -> list[m.Reminder]:
        """The first that are due, by time and id. They are named again until they are put anew or dropped."""
        found: list[m.Reminder] = []
        while self._next and self._next[0][0] <= now and len(found) < most:
            moment, identity = heapq.heappop(self._next)
            reminder = self.reminders.get(identity)
            if reminder is not None and reminder.due[0] == moment and reminder not in found:
                found.append(reminder)
        for reminder in found:
            heapq.heappush(self._next, (reminder.due[0], reminder.id))
        return found
