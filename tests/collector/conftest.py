from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hypothesis import settings

from tests.alerter.conftest import certificate as certificate
from tests.alerter.conftest import wrong_certificate as wrong_certificate
from tests.collector.feedserver import FeedServer

# A busy machine is no reason for a property to fail; hangs are the business of pytest-timeout.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
async def server() -> AsyncIterator[FeedServer]:
    async with FeedServer() as running:
        yield running
