"""The one reader of bot updates: commits what follows from them, then acknowledges them.

It runs beside the sender of `alerts[0]`, so there is never a second one; a crash between commit and
acknowledgement brings the same updates again, and the same effects, which are keyed.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import msgspec
import structlog

from services.alerter import conversation
from services.alerter.channels.telegram import TelegramChannel
from services.alerter.clerk import Clerk
from services.alerter.conversation import Effects, Update, View
from services.alerter.tools import Tools
from tinsom import codec, metrics
from tinsom.clock import millis
from tinsom.errors import FencedError, LogError
from tinsom.log import Log, Output
from tinsom.messages import Verdict

logger = structlog.get_logger(__name__)

LONG_POLL = 25  # seconds the server holds a request that has nothing to say
PAUSE = 1.0  # after a poll with nothing in it, and after an error
UPDATES = ["message", "callback_query"]


@dataclass
class Bot:
    """`key` makes readers' names; it is the bot's token, which nobody else has."""

    log: Log
    clerk: Clerk
    tools: Tools
    channel: TelegramChannel
    key: bytes
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    _offset: int = 0
    _idle: bool = False
    _ending: bool = False
    _task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read what was judged before, then listen."""
        for number in range(self.log.partitions_of("verdicts")):
            async for record in self.log.read("verdicts", number):
                key = (record.key or b"").decode()
                if record.value is None:
                    self.verdicts.pop(key, None)
                else:
                    self.verdicts[key] = codec.decode_as(record, Verdict)
        self._task = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """A poll is broken off, a commit is not: a transaction left half-way would hold up every reader."""
        self._ending = True
        if self._task is not None:
            if self._idle:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen(self) -> None:
        while not self._ending:
            updates = await self._updates()
            try:
                for raw in updates:
                    await self._take(raw)
            except FencedError:
                return
            except LogError as error:
                logger.error("the log takes no effects of updates", reason=str(error))
                await self.tools.wall.sleep(PAUSE)
            except Exception:
                logger.exception("the bot stumbled")
                await self.tools.wall.sleep(PAUSE)

    async def _updates(self) -> list[object]:
        """One long poll; empty for nothing new, and when there was no answer (another poller, a wrong token)."""
        body = {"offset": self._offset, "timeout": LONG_POLL, "allowed_updates": UPDATES}
        self._idle = True
        try:
            result = await self.channel.ask("getUpdates", body, wait=LONG_POLL)
            if not (isinstance(result, list) and result):
                await self.tools.wall.sleep(PAUSE)
                return []
            return result
        finally:
            self._idle = False

    async def _take(self, raw: object) -> None:
        """One update: decide, commit, then show; what cannot be read is passed over, or it would come for ever."""
        try:
            update = msgspec.convert(raw, Update)
        except msgspec.ValidationError:
            metrics.UPDATES.labels("ignored").inc()
            self._offset = max(self._offset, _number(raw) + 1)
            return
        effects = conversation.decide(update, self._view(), self.tools.clock.now())
        await self._commit(effects)
        self._offset = update.update_id + 1
        metrics.UPDATES.labels(effects.outcome).inc()
        await self._show(effects)

    def _view(self) -> View:
        return View(
            destinations=self.tools.destinations.all,
            about=self.clerk.book.about,
            verdicts=self.verdicts,
            key=self.key,
            language=self.tools.language,
        )

    async def _commit(self, effects: Effects) -> None:
        now = millis(self.tools.clock.now())
        outputs = [codec.tombstone("verdicts", key, now) for key in effects.erase]
        if (verdict := effects.verdict) is not None:
            outputs.append(_verdict_output(verdict, now))
        if outputs or effects.learned is not None:
            async with self.clerk.partition.lock:
                await self.clerk.write([], effects.learned, outputs)
        for key in effects.erase:
            self.verdicts.pop(key, None)
        if verdict is not None:
            self.verdicts[conversation.key_of(verdict)] = verdict
            for matched in verdict.matched:
                metrics.VERDICTS.labels(_bounded(matched), verdict.verdict).inc()

    async def _show(self, effects: Effects) -> None:
        """A word to the reader; not worth a second try."""
        if effects.pressed:
            body = {"callback_query_id": effects.pressed, "text": effects.says}
            await self.channel.ask("answerCallbackQuery", body)
        elif effects.chat:
            await self.channel.ask("sendMessage", {"chat_id": effects.chat, "text": effects.says})


def _verdict_output(verdict: Verdict, now: int) -> Output:
    return codec.output("verdicts", conversation.key_of(verdict), verdict, now, source="deliver")


def _bounded(matched: str) -> str:
    """Initiatives, agencies and places are a taxonomy's; keywords and documents are anybody's words."""
    field_, _, _ = matched.partition(":")
    return matched if field_ in ("initiative", "agency", "place") else field_


def _number(raw: object) -> int:
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) else -1
