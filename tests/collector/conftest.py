from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.alerter.conftest import certificate as certificate
from tests.alerter.conftest import wrong_certificate as wrong_certificate
from tests.collector.feedserver import FeedServer


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as running:
        yield running
