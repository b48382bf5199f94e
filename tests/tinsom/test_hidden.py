"""Records that no reader is shown are in no lag: how long they have been hidden is a metric of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import cast

import pytest

from tests.alerter.virtual import VIRTUAL_TIME
from tinsom import metrics, process
from tinsom.clock import SystemClock
from tinsom.config import Config
from tinsom.errors import UnreachableError
from tinsom.log import Log
from tinsom.service import Context
from tinsom.topics import TOPICS


@dataclass
class Hiding:
    """A log that hides this; None: nobody answers."""

    found: dict[tuple[str, int], int] | None

    async def hidden(self) -> dict[tuple[str, int], int]:
        if self.found is None:
            raise UnreachableError("no answer")
        return self.found


def shown() -> dict[str, float]:
    return {topic: metrics.HIDDEN_SECONDS.labels(topic)._value.get() for topic in TOPICS}


@VIRTUAL_TIME
async def test_how_long_records_have_been_hidden_is_told_also_across_an_answer_that_fails() -> None:
    log = Hiding({("items", 3): 7})
    context = Context(log=cast(Log, log), clock=SystemClock(), config=Config())
    reporting = asyncio.create_task(process._report_hidden(context))
    try:
        await asyncio.sleep(3.5 * process.HIDDEN_SECONDS)
        assert shown() == dict.fromkeys(TOPICS, 0.0) | {"items": 2 * process.HIDDEN_SECONDS}
        log.found = None
        await asyncio.sleep(process.HIDDEN_SECONDS)
        log.found = {("items", 3): 7}
        await asyncio.sleep(process.HIDDEN_SECONDS)
        assert shown()["items"] == pytest.approx(4 * process.HIDDEN_SECONDS)
        log.found = {}
        await asyncio.sleep(process.HIDDEN_SECONDS)
        assert shown() == dict.fromkeys(TOPICS, 0.0)
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
