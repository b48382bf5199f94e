"""What all tests share: where private input is, and how a missing component is treated."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.kafka.fixtures import kafka_bootstrap as kafka_bootstrap

# A busy machine is no reason for a property to fail; hangs are the business of pytest-timeout.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


def pytest_configure(config: pytest.Config) -> None:
    # pytest-asyncio asks for "the" event loop before the first async test; without this answer, asyncio
    # would make one that nobody closes, and warnings are errors here.
    asyncio.set_event_loop(None)


def require(command: str, package: str) -> str:
    """Path of a program that a test needs: in CI its absence is a failure, on a laptop a skip that names it."""
    found = shutil.which(command)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{command} is missing: install {package}")
    return str(found)


@pytest.fixture(scope="session")
def private_data() -> Path:
    """Folder of real articles and feeds that are not part of the project (docs/limits.md)."""
    folder = os.environ.get("TINSOM_PRIVATE_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("TINSOM_PRIVATE_DATA names no folder with the private input")
    return Path(folder)
