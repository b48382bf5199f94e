"""The one reader of bot updates: commits what follows from them, then acknowledges them.

It runs beside the sender of `alerts[0]`, so there is never a second one; a crash between commit and
acknowledgement brings the same updates again, and the same effects, which are keyed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec
import structlog

from services.alerter.bot import conversation, entrance, phrases
from services.alerter.bot.answers import Answers
from services.alerter.bot.effects import BOT, Door, Effects, View, Write, is_own
from services.alerter.bot.guessing import Guesses
from services.alerter.bot.pastlog import PastLog
from services.alerter.bot.updates import Place, Update, place_of
from services.alerter.channels.telegram import TelegramChannel
from services.alerter.clerk import Clerk
from services.alerter.plan import Rules
from services.alerter.tables import Names, Subscriptions
from services.alerter.tools import Tools
from tinsom import codec, metrics
from tinsom.clock import millis
from tinsom.errors import DecodeError, FencedError, LogError
from tinsom.log import Log, Output, Record
from tinsom.messages import Destination, Mute, Subscription, Verdict

logger = structlog.get_logger(__name__)

LONG_POLL = 25  # seconds the server holds a request that has nothing to say
AT_ONCE = 20  # updates in one answer: of the longest a hundred would be more than the channel reads, every time
PAUSE = 1.0  # after a poll with nothing in it, and after an error
UPDATES = ["message", "callback_query"]
STUMBLES = 3  # times that one update is tried
FAVOURITES = 8  # offered to who does not know what to follow
ADMINS = ("creator", "administrator")


@dataclass(frozen=True, slots=True)
class Listening:
    """What the bot needs beside the sender's own. `key` makes readers' names: the bot's token, which nobody else
    has.
    """

    key: bytes = field(repr=False)
    door: Door
    subscriptions: Subscriptions
    names: Names
    rules: Rules


@dataclass
class Bot:
    log: Log
    clerk: Clerk
    tools: Tools
    channel: TelegramChannel
    listening: Listening
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    past: PastLog = field(init=False)
    answers: Answers = field(init=False)
    _username: str = ""
    _guesses: Guesses = field(default_factory=Guesses)
    _offset: int = 0
    _idle: bool = False
    _ending: bool = False
    _deaf: bool = False
    _stumbles: int = 0
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.past = PastLog(self.log, self.tools.clock, self.listening.rules)
        self.answers = Answers(self.tools, self.channel)

    async def start(self) -> None:
        """Read what was judged before, then listen."""
        for number in range(self.log.partitions_of("verdicts")):
            async for record in self.log.read("verdicts", number):
                self._restored(record)
        await self.listening.subscriptions.refresh()
        await self.listening.names.refresh()
        for verdict in self.verdicts.values():
            _count(verdict, 1)
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self.past.refresh())]

    def _restored(self, record: Record) -> None:
        """One judgement that nobody can read must not keep every alert of this partition from being sent."""
        try:
            key = (record.key or b"").decode()
            verdict = None if record.value is None else codec.decode_as(record, Verdict)
        except (DecodeError, UnicodeDecodeError) as error:
            logger.error("unreadable verdict", offset=record.offset, reason=str(error))
            return
        if verdict is None:
            self.verdicts.pop(key, None)
        else:
            self.verdicts[key] = verdict

    async def stop(self) -> None:
        """What waits for Telegram is broken off, a commit is not: left half-way it would hold up every reader."""
        self._ending = True
        for number, task in enumerate(self._tasks):
            if number or self._idle:
                task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.answers.close()
        for verdict in self.verdicts.values():
            _count(verdict, -1)  # a successor counts them
        self.listening.subscriptions.forget()

    async def _listen(self) -> None:
        await self._introduce()
        await self._tidy()
        while not self._ending:
            for raw in await self._updates():
                if self._ending or not await self._taken(raw):
                    break

    async def _taken(self, raw: object) -> bool:
        """False: it comes again with the next poll, and what is behind it, too."""
        try:
            await self._take(raw)
        except FencedError:
            self._ending = True
            return False
        except LogError as error:
            logger.error("the log takes no effects of updates", reason=str(error))
        except Exception:
            logger.exception("the bot stumbled")
            self._stumbles += 1
            if self._stumbles >= STUMBLES:
                # One update that nobody can handle must not silence the bot for everybody.
                self._pass_over(raw)
                return True
        else:
            self._stumbles = 0
            return True
        await self.tools.wall.sleep(PAUSE)
        return False

    def _pass_over(self, raw: object) -> None:
        metrics.UPDATES.labels("ignored").inc()
        self._offset = max(self._offset, _number(raw) + 1)
        self._stumbles = 0

    async def _introduce(self) -> None:
        """Its own name, for groups where several bots listen; and the menu of commands that clients show."""
        language = self.tools.language
        menu = [{"command": c, "description": phrases.label(language, f"cmd_{c}")} for c in phrases.COMMANDS]
        with self._breakable():
            me = await self.channel.ask("getMe", {})
            self._username = str(me.get("username", "")) if isinstance(me, dict) else ""
            await self.channel.ask("setMyCommands", {"commands": menu})

    @contextlib.contextmanager
    def _breakable(self) -> Iterator[None]:
        """While nothing is half-way: `stop` need not wait for Telegram."""
        self._idle = True
        try:
            yield
        finally:
            self._idle = False

    async def _tidy(self) -> None:
        """Mutes that have run out hide nothing, and need not be kept for ever; then what the file says by now."""
        now = self.tools.clock.now()
        ended = [
            Write("subscriptions", key, None, key.removeprefix(BOT))
            for key, wish in self.listening.subscriptions.wishes.items()
            if is_own(key) and isinstance(wish, Mute) and wish.until.timestamp() < now
        ]
        ended += self._put_right()
        with contextlib.suppress(LogError):  # another time
            await self._commit(Effects("ignored", writes=tuple(ended)), self.tools.destinations.all)

    def _put_right(self) -> list[Write]:
        """Who was barred is put out; a chat that a file names by now is not two."""
        view, known = self._view(admin=True), self.tools.destinations
        ours = [to for to in known.all.values() if to.channel == "telegram"]
        named = {(to.address, to.thread): to for to in ours if known.is_configured(to.alias)}
        writes: list[Write] = []
        for to in ours:
            twin = named.get((to.address, to.thread))
            if to.address in self.listening.door.barred:
                writes += entrance.ended(to, view)
            elif twin is not None and not known.is_configured(to.alias):
                writes += entrance.moved(to, twin, view)
        return writes

    async def _updates(self) -> list[object]:
        """One long poll; empty for nothing new, and when there was no answer (another poller, a wrong token)."""
        body = {
            "offset": self._offset,
            "limit": AT_ONCE,
            "timeout": LONG_POLL,
            "allowed_updates": UPDATES,
        }
        with self._breakable():
            result = await self.channel.ask("getUpdates", body, wait=LONG_POLL)
            self._hears(isinstance(result, list))
            if not (isinstance(result, list) and result):
                await self.tools.wall.sleep(PAUSE)
                return []
            return result

    def _hears(self, answered: bool) -> None:
        """Told once: a bot that hears nothing looks exactly like readers who say nothing."""
        if self._deaf and answered:
            logger.info("the bot hears again")
        elif not (self._deaf or answered):
            logger.warning("the bot gets no updates: no network, or another program or a web hook takes them")
        self._deaf = not answered

    async def _take(self, raw: object) -> None:
        """One update: decide, commit, then show; what cannot be read is passed over, or it would come for ever."""
        try:
            update = msgspec.convert(raw, Update)
        except msgspec.ValidationError:
            self._pass_over(raw)
            return
        place, known = place_of(update), self.tools.destinations.all
        effects = await self._decided(update)
        while not await self._commit(effects, known):
            known = self.tools.destinations.all
            effects = await self._decided(update)
        self._offset = update.update_id + 1
        metrics.UPDATES.labels(effects.outcome).inc()
        if place is not None:
            pressed = update.callback_query.id if update.callback_query is not None else ""
            self.answers.show(effects, place, pressed)

    async def _decided(self, update: Update) -> Effects:
        place, now = place_of(update), self.tools.clock.now()
        if place is None or self.listening.door.bars(place) or self._guesses.too_many(place.chat, now):
            return Effects("ignored")
        await self.listening.subscriptions.refresh()
        if conversation.wants_past(update):
            await self.past.refresh()
        view = self._view(admin=await self._may(update, place))
        effects = conversation.decide(update, view, now)
        if effects.outcome == "refused":
            self._guesses.add(place.chat, now)
        if effects.ask is not None:
            return effects.ask.then(await self.past.forecast(effects.ask.match))
        return effects

    async def _may(self, update: Update, place: Place) -> bool:
        """Telegram knows who looks after a group; without its answer nobody does."""
        if not conversation.wants_admin(update):
            return True
        body = {"chat_id": place.chat, "user_id": place.person}
        with self._breakable():
            member = await self.channel.ask("getChatMember", body)
        return isinstance(member, dict) and member.get("status") in ADMINS

    def _view(self, *, admin: bool) -> View:
        destinations, names = self.tools.destinations, self.listening.names
        return View(
            destinations=destinations.all,
            about=self.clerk.book.about,
            key=self.listening.key,
            language=self.tools.language,
            verdicts=self.verdicts,
            wishes=self.listening.subscriptions.wishes,
            configured=destinations.is_configured,
            directory=names.directory,
            latest=self.clerk.book.latest,
            seen=self.past.past.items.get,
            recall=self.past.past.recall,
            rules=self.listening.rules,
            favourites=names.directory.favourites(self.past.past.frequent, FAVOURITES),
            door=self.listening.door,
            username=self._username,
            admin=admin,
        )

    async def _commit(self, effects: Effects, known: Mapping[str, Destination]) -> bool:
        """False, and nothing is written: since `known` an answer to the sender has changed what this is about."""
        now, learned = millis(self.tools.clock.now()), effects.learned
        outputs = [_output(write, now) for write in effects.writes]
        if not outputs and learned is None:
            return True
        async with self.clerk.partition.lock:
            if learned is not None and known.get(learned.alias) != self.tools.destinations.all.get(learned.alias):
                return False
            await self.clerk.write([], learned, outputs)
        for write in effects.writes:
            self._remember(write)
        return True

    def _remember(self, write: Write) -> None:
        """What was committed holds at once, before it is read back."""
        value = write.value
        if write.topic == "verdicts":
            self._judged(write.key, value if isinstance(value, Verdict) else None)
        elif write.topic == "subscriptions":
            self.listening.subscriptions.learn(
                write.key, value if isinstance(value, Subscription | Mute) else None
            )
        else:
            self.tools.destinations.learn(write.key, value if isinstance(value, Destination) else None)

    def _judged(self, key: str, verdict: Verdict | None) -> None:
        """Each reader counts once for an alert, with what he said last."""
        if (before := self.verdicts.pop(key, None)) is not None:
            _count(before, -1)
        if verdict is not None:
            self.verdicts[key] = verdict
            _count(verdict, 1)


def _output(write: Write, now: int) -> Output:
    if write.value is None:
        return codec.tombstone(write.topic, write.key, now, partition_by=write.partition_by)
    return codec.output(
        write.topic, write.key, write.value, now, source="deliver", partition_by=write.partition_by
    )


def _count(verdict: Verdict, change: int) -> None:
    for matched in verdict.matched:
        metrics.VERDICTS.labels(_bounded(matched), verdict.verdict).inc(change)


def _bounded(matched: str) -> str:
    """Initiatives, agencies and places are a taxonomy's; keywords and documents are anybody's words."""
    field_, _, _ = matched.partition(":")
    return matched if field_ in ("initiative", "agency", "place") else field_


def _number(raw: object) -> int:
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) else -1
