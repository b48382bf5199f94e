"""The demo's day end to end, as fast as it goes: feeds, pages, tags, stories, alerts, deliveries."""

from __future__ import annotations

import asyncio
import sys
import time

from benchmarks.report import Figure
from services.demo import edition
from services.demo.timeline import expected

SECONDS = 4


async def run() -> list[Figure]:
    """Items per second of a day squeezed into a few seconds, start of the process and quiet end included."""
    wanted = expected(edition.load())
    items = wanted.items + wanted.baseline + wanted.revisions
    command = [sys.executable, "-m", "services.cli", "demo", "--once", "--seconds", str(SECONDS), "--port", "0"]
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.DEVNULL)
    code = await process.wait()
    assert code == 0, "the demo did not add up"
    return [Figure("demo, end to end", items / (time.perf_counter() - began), "items/s")]
