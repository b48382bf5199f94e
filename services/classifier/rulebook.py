"""The rules that hold now: the shipped files with the users' own of topic `taxonomy`, taken as they change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.classifier import catalogue
from services.classifier import taxonomy as taxonomies
from services.classifier.stage import TagStage
from services.classifier.tagger import Tagger
from tinsom import metrics
from tinsom.errors import ConfigError, DecodeError
from tinsom.follower import Follower
from tinsom.log import Log, Output, Partition, read_table

logger = structlog.get_logger(__name__)


@dataclass
class Rulebook(Follower):
    """`tagger` is that of the newest rules that can be used; none before the first `tinsom apply`."""

    topic: str = "taxonomy"
    tagger: Tagger | None = None
    _own: Mapping[str, str] | None = None
    _fault: str = ""

    async def load(self) -> None:
        """As every table; raises ConfigError when not even the first rules can be used."""
        await super().load()
        if self.tagger is None and self._fault:
            raise ConfigError(f"the taxonomy on the log cannot be used: {self._fault}")

    async def refresh(self) -> None:
        async with self._lock:
            if await self.table.refresh() and self.table.complete:
                await self._take()

    async def _take(self) -> None:
        """Built beside the loop, which has heartbeats to send meanwhile."""
        try:
            own = catalogue.texts_of(self.table.records.values())
            if own == self._own:
                return
            tagger = await asyncio.to_thread(_built, own)
        except Exception as error:
            # Whatever is wrong with new rules: the task that follows them must outlive it.
            self._refuse(error)
            return
        before, self.tagger, self._own = self.tagger, tagger, own
        if before is not None:
            metrics.TAXONOMIES.labels("taken").inc()
            metrics.TAGS.clear()  # counted by version: the former one's would stay for ever
        logger.info("rules taken", version=tagger.taxonomy.version)

    def _refuse(self, error: Exception) -> None:
        """`apply` refuses to write such files; another version of tinsom may have."""
        metrics.TAXONOMIES.labels("refused").inc()
        expected = isinstance(error, ConfigError | DecodeError | ValueError)
        self._fault = str(error) if expected else f"{type(error).__name__}: {error}"
        unforeseen = None if expected else error
        logger.error("rules refused, the former ones hold", reason=self._fault, exc_info=unforeseen)


def _built(own: Mapping[str, str]) -> Tagger:
    return Tagger(taxonomies.extended(own))


class FollowingTagStage(TagStage):
    """Tags by the newest rules; they change between two batches, never in one."""

    def __init__(self, rules: Rulebook) -> None:
        self.rules = rules

    async def gained(self, partition: Partition) -> None:
        await self.rules.load()
        self._follow()

    def tick(self, partition: Partition, now: float) -> Sequence[Output]:
        self._follow()
        return ()

    def _follow(self) -> None:
        if self.rules.tagger is not None:
            self.tagger = self.rules.tagger


async def of_log(log: Log) -> Tagger | None:
    """The rules of now, as the log has them; None before the first `tinsom apply`. Raises ConfigError."""
    table = await read_table(log, "taxonomy")
    return _built(catalogue.texts_of(table.records.values())) if table.complete else None
