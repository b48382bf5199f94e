"""`tinsom demo`: the sample day, played fast; alerts appear as staff would read them."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from services.cli.shared import load_config, run_async
from tinsom.config import HttpConfig, TelegramConfig
from tinsom.errors import ConfigError

SECONDS, SECONDS_ONCE = 90.0, 40.0
SHORTEST = 1.0


def register(app: typer.Typer) -> None:
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="End when all is delivered; print the summary.")] = False,
    seconds: Annotated[
        float | None, typer.Option(help="How long the day lasts.", min=SHORTEST, show_default="90, once 40")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="Port of /metrics; 0 for none.", min=0, max=65_535, show_default="9464, or a free one"),
    ] = None,
    telegram: Annotated[
        Path | None,
        typer.Option(help="A configuration whose `telegram` section names your bot: talk to it meanwhile."),
    ] = None,
) -> None:
    """Play a day of sample feeds; alerts appear as staff would read them."""
    from services.cli.playing import play

    bot = _bot_of(telegram) if telegram is not None else None
    lasts = seconds or (SECONDS_ONCE if once else SECONDS)
    with tempfile.TemporaryDirectory(prefix="tinsom-demo-") as folder:
        number = _free_port() if port is None else port
        complete = run_async(play(Path(folder) / "demo.db", lasts, number, once=once, telegram=bot))
    if not complete:
        raise typer.Exit(1)


def _bot_of(path: Path) -> TelegramConfig:
    """The bot of a configuration, listening whatever it says there: that is what it is asked for."""
    found = load_config(path).telegram
    if found is None:
        raise ConfigError(f"{path} has no section `telegram`")
    return msgspec.structs.replace(found, bot=True)


def _free_port() -> int:
    """The usual port, or any other when it is taken: a first look at the demo must not fail for that."""
    usual = HttpConfig()
    for port in (usual.port, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((usual.host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return 0
