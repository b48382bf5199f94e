"""Servers that mean harm, against the real collector: bounded memory and time, a named outcome, nobody waits."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from itertools import islice
from pathlib import Path

import pytest

from tests.collector.besieged import EXPECTED, GOOD, PATIENCE, ROUNDS
from tests.fakes.hostile import MB, HostileServer, packed, unpacked_size

pytestmark = pytest.mark.alone


def test_the_bomb_is_one() -> None:
    assert sum(map(len, packed(10))) < 12 * MB
    assert unpacked_size(islice(packed(10), 4)) > 100 * MB


async def test_a_siege(tmp_path: Path) -> None:
    async with HostileServer() as server:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.collector.besieged", str(server.port), str(tmp_path)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONWARNINGS": "default"},
        )
        out, err = await child.communicate()
        asked = dict(server.asked)
    assert child.returncode == 0, err.decode()[-3_000:]
    found = json.loads(out.splitlines()[-1])
    outcomes = found.pop("outcomes")
    print(f"\n{found}\n{outcomes}")
    wrong = {id_: outcomes.get(id_) for id_, names in EXPECTED.items() if outcomes.get(id_) not in names}
    assert wrong == {}
    # The others were polled all the while, and what they showed is on the log.
    assert all(asked[f"/good/{n}"] >= ROUNDS for n in range(GOOD))
    assert found["items"] >= GOOD * (5 + ROUNDS - 1)
    assert found["own"] < 300, "megabytes of the collector"
    assert found["workers"] < 700, "megabytes of one worker"
    assert found["seconds"] < PATIENCE, "nobody kept it from coming to an end"
