from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.collector.feedserver import FeedServer


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as running:
        yield running


@pytest.fixture(scope="session")
def private_data() -> Path:
    """The private test input; it is not part of the project."""
    where = os.environ.get("TINSOM_PRIVATE_DATA", "")
    if not where or not Path(where).is_dir():
        pytest.skip("TINSOM_PRIVATE_DATA names no folder with the private test input")
    return Path(where)
