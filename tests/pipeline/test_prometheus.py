"""The dashboard on a real Prometheus that scrapes a real run: every metric exists, every panel shows something."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.conftest import require
from tests.deploy.queries import RULES, Query, filled_in, metric_names_in_dashboard, names_of, panel_queries
from tests.waiting import PATIENCE, shown

pytestmark = pytest.mark.alone

DAY_SECONDS = 25


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def started(arguments: list[str], log: Path) -> AsyncIterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE)


async def answer(session: aiohttp.ClientSession, url: str, **query: str) -> str:
    """The body of a 200, asked for until it comes."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            async with session.get(url, params=query) as response:
                if response.status == 200:
                    return await response.text()
        except aiohttp.ClientConnectionError:
            pass
        assert time.monotonic() < deadline, f"{url} does not answer"
        await asyncio.sleep(0.2)


async def test_every_panel_shows_something_on_a_real_prometheus(tmp_path: Path) -> None:
    program = require("prometheus", "Debian's package prometheus")
    port, own = free_port(), free_port()
    settings = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(path) for path in RULES],
        "scrape_configs": [{"job_name": "tinsom", "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(settings))
    demo = [sys.executable, "-m", "services.cli", "demo", "--seconds", str(DAY_SECONDS), "--port", str(port)]
    server = [
        program,
        f"--config.file={tmp_path}/prometheus.yml",
        f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{own}",
    ]
    async with (
        started(demo, tmp_path / "demo.log"),
        started(server, tmp_path / "prometheus.log"),
        aiohttp.ClientSession() as session,
    ):
        await shown(lambda: missing(session, port), lambda lacking: not lacking)
        empty = [*panel_queries()]
        await shown(lambda: still_empty(session, own, empty), lambda lacking: not lacking, every=0.5)


async def missing(session: aiohttp.ClientSession, port: int) -> set[str]:
    """Metrics of the dashboards that the process does not show."""
    scrape = await answer(session, f"http://127.0.0.1:{port}/metrics")
    return metric_names_in_dashboard() - names_of(scrape)


async def still_empty(session: aiohttp.ClientSession, port: int, empty: list[Query]) -> list[str]:
    """Panels for which Prometheus has had nothing yet. What it has something for now leaves `empty`: it need not
    have it still when the last of them shows something.
    """
    for query in [*empty]:
        body = await answer(session, f"http://127.0.0.1:{port}/api/v1/query", query=filled_in(query.text))
        result = json.loads(body)
        assert result["status"] == "success"
        if result["data"]["result"]:
            empty.remove(query)
    return [query.where for query in empty]
