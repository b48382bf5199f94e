from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.collector.extract import extract
from services.collector.pool import Pool, WorkError
from tests.collector.test_commands import LEAD, PAGE


async def test_a_worker_that_dies_or_hangs_costs_one_piece_of_work() -> None:
    pool = Pool(workers=1)
    try:
        with pytest.raises(WorkError):
            await pool.run(os._exit, 1, timeout=20)
        with pytest.raises(WorkError):
            await pool.run(time.sleep, 60, timeout=0.05)
        page = await pool.run(extract, PAGE.encode(), timeout=20)
    finally:
        pool.close()
    assert page is not None
    assert page.text.startswith(LEAD)


async def test_errors_come_through() -> None:
    with ThreadPoolExecutor(1) as threads:
        pool = Pool(executor=threads)
        with pytest.raises(ValueError, match="invalid literal"):
            await pool.run(int, "x", timeout=5)
