from __future__ import annotations

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.collector.articles.extract import extract
from services.collector.articles.pool import Pool, WorkError
from tests.collector.test_commands import LEAD, PAGE
from tests.waiting import PATIENCE, until


async def test_a_worker_that_dies_or_hangs_costs_one_piece_of_work() -> None:
    pool = Pool(workers=1)
    try:
        with pytest.raises(WorkError):
            await pool.run(os._exit, 1, timeout=PATIENCE)
        with pytest.raises(WorkError):
            await pool.run(time.sleep, 60, timeout=0.05)
        page = await pool.run(extract, PAGE.encode(), timeout=PATIENCE)
    finally:
        pool.close()
    assert page is not None
    assert page.text.startswith(LEAD)


async def test_work_that_nobody_waits_for_keeps_no_worker_beyond_its_time() -> None:
    """A page has a limit of its own around the pool's, which always ends first."""
    pool = Pool(workers=1)
    try:
        await pool.run(int, "1", timeout=PATIENCE)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await pool.run(time.sleep, 2 * PATIENCE, timeout=3.0)
        await until(lambda: pool._pool is None, "the worker is given up")
        assert await pool.run(int, "2", timeout=PATIENCE) == 2
    finally:
        pool.close()


async def test_errors_come_through() -> None:
    with ThreadPoolExecutor(1) as threads:
        pool = Pool(executor=threads)
        with pytest.raises(ValueError, match="invalid literal"):
            await pool.run(int, "x", timeout=PATIENCE)
