"""What several commands need: options, an event loop, an opened log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
import uvloop
from rich.console import Console

from tinsom import config as configuration
from tinsom.config import Config
from tinsom.log import Log
from tinsom.process import open_log

T = TypeVar("T")

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The configuration file.")]
DEFAULT_CONFIG = Path("tinsom.yaml")

console = Console()
errors = Console(stderr=True)


def run_async(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


def load_config(path: Path) -> Config:
    return configuration.load(path)


@asynccontextmanager
async def opened_log(config: Config, namespace: str | None = None) -> AsyncIterator[Log]:
    log = open_log(config, namespace)
    try:
        await log.start()
        yield log
    finally:
        await log.close()
