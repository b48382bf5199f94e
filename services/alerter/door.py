"""The page behind a mail's unsubscribe link, on the process's own server; its effects are the sender's records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import structlog

from services.alerter import unsubscribing
from services.alerter.sender import Sender
from services.alerter.tools import Tools
from tinsom import metrics
from tinsom.doors import Answer
from tinsom.errors import TinsomError
from tinsom.messages import Destination
from tinsom.topics import partition_for

logger = structlog.get_logger(__name__)
Change = Callable[[Destination], Destination | None]
LATER = 30  # seconds after which another process, or this one, may be able to do it


@dataclass
class UnsubscribeDoor:
    """`senders`: of the partitions that this process owns; it alone may write what follows."""

    key: bytes
    senders: Mapping[int, Sender]
    tools: Tools
    partitions: int

    async def __call__(self, method: str, rest: str) -> Answer:
        given, _, wish = rest.partition("/")
        to = unsubscribing.owner_of(given, self.key, self.tools.destinations.all)
        if to is None or wish not in ("", unsubscribing.AGAIN):
            return self._page(404, "unknown")
        if method == "GET" and not wish:
            return self._page(200, "ask", f"./{given}", "leave")
        if method != "POST":
            return Answer(405)
        return await (self._return(to) if wish else self._leave(to, given))

    async def _leave(self, to: Destination, given: str) -> Answer:
        if not await self._written(to, unsubscribing.left):
            return self._page(503, "later")
        metrics.UNSUBSCRIBES.labels("link").inc()
        return self._page(200, "left", f"./{given}/{unsubscribing.AGAIN}", "return")

    async def _return(self, to: Destination) -> Answer:
        done = await self._written(to, unsubscribing.back)
        return self._page(200, "back") if done else self._page(503, "later")

    async def _written(self, to: Destination, change: Change) -> bool:
        if change(to) is None:
            return True
        sender = self.senders.get(partition_for(to.alias.encode(), self.partitions))
        if sender is None:
            return False  # the sender is another process
        try:
            async with sender.partition.lock:
                # As it is by now: a result that was written while we waited may have changed it.
                now = self.tools.destinations.all.get(to.alias, to)
                await sender.clerk.write([], change(now) if now.address == to.address else None)
        except TinsomError as error:
            logger.error("an unsubscription was not written", reason=str(error))
            return False
        sender.wake()
        return True

    def _page(self, status: int, says: str, action: str = "", button: str = "") -> Answer:
        html = unsubscribing.page(says, self.tools.language, action, button)
        return Answer(status, html, LATER if status == 503 else 0)
