"""The broker that all Kafka tests of a run share; `tests/conftest.py` makes it known everywhere."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kafka.broker import Cluster, MissingError, libs


def fetch_libs(config: pytest.Config) -> None:
    """Kafka's jars: in CI their absence is a failure, on a laptop a skip that names what to install."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    assert capture is not None

    def say(line: str) -> None:
        with capture.global_and_fixture_disabled():
            print(f"\n{line}", flush=True)

    try:
        libs(say=say)
    except MissingError as error:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a running broker: that of `KAFKA_BOOTSTRAP_SERVERS`, or one that is started for this run."""
    if running := os.environ.get("KAFKA_BOOTSTRAP_SERVERS"):
        yield running
        return
    fetch_libs(request.config)
    with Cluster() as cluster:
        yield cluster.bootstrap
