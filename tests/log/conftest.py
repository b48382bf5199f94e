"""The two forms of the log as one fixture: a test that takes `logs` runs on both."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import pytest

from tests.log.echo import open_log
from tinsom.log import Log

SESSION = {"sqlite": 1.5, "kafka": 3.0}


@dataclass
class Logs:
    """Opens logs that share one storage, as processes of one installation do."""

    spec: dict[str, Any]

    @property
    def session(self) -> float:
        return float(self.spec["session"])

    @asynccontextmanager
    async def open(self, **changes: Any) -> AsyncIterator[Log]:
        log = open_log(self.spec | changes)
        await log.start()
        try:
            yield log
        finally:
            await log.close()

    def child(self, group: str, mode: str = "run") -> Popen[str]:
        command = [sys.executable, "-m", "tests.log.echo", json.dumps(self.spec), group, mode]
        return Popen(command, stdin=PIPE, stdout=PIPE, text=True)


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def logs(request: pytest.FixtureRequest, tmp_path: Path) -> Logs:
    form = request.param
    spec: dict[str, Any] = {"form": form, "session": SESSION[form], "namespace": f"t{uuid.uuid4().hex[:8]}"}
    if form == "sqlite":
        return Logs(spec | {"path": str(tmp_path / "log.db")})
    return Logs(spec | {"bootstrap": request.getfixturevalue("kafka_bootstrap")})
