"""Six processes, two of each service, and what kills and restarts them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import yaml

from tests.waiting import PATIENCE, heeds, until
from tinsom.config import Config

SERVICES = ("collect", "classify", "alert")


@dataclass
class Fleet:
    """Processes by (command, number); their output goes to files, so that no pipe can fill up."""

    config: Path
    processes: dict[tuple[str, int], subprocess.Popen[bytes]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, config: Config, folder: Path) -> Fleet:
        path = folder / "tinsom.yaml"
        path.write_text(yaml.safe_dump(msgspec.to_builtins(config), allow_unicode=True), "utf-8")
        return cls(path)

    def start(self, each: int = 2) -> None:
        for command in SERVICES:
            for number in range(each):
                self._launch(command, number)

    def _launch(self, command: str, number: int) -> None:
        arguments = [sys.executable, "-m", "services.cli", "--log-level", "info", command, "-c", str(self.config)]
        with (self.config.parent / f"{command}-{number}.log").open("ab") as output:
            self.processes[command, number] = subprocess.Popen(
                arguments, stdout=output, stderr=output, env=os.environ | {"PYTHONWARNINGS": "default"}
            )

    def kill_one(self, rng: random.Random) -> str:
        """kill -9 of a random process, and a new one in its place."""
        command, number = rng.choice(sorted(self.processes))
        victim = self.processes[command, number]
        victim.kill()
        victim.wait()
        self.kills[command] += 1
        self._launch(command, number)
        return command

    async def up(self) -> None:
        """Return when all handle SIGTERM: one that was started a moment ago still dies of it."""
        for process in self.processes.values():
            await until(lambda: heeds(process.pid, signal.SIGTERM))  # noqa: B023 - called at once

    def terminate(self, seconds: float = PATIENCE) -> list[int]:
        """SIGTERM to all; their exit codes, in the order of `processes`."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        return [process.wait(seconds) for process in self.processes.values()]

    def kill_all(self) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()

    def logs(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text('utf-8', 'replace')[-2_000:]}"
            for path in sorted(self.config.parent.glob("*.log"))
        )
