"""Commands about who is told what: pause, resume, route-test, forecast."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.shared import DEFAULT_CONFIG, ConfigPath, load_config, opened_log, run_async, say
from services.cli.tagging import read_lines
from tinsom.clock import SystemClock, millis
from tinsom.errors import InputError
from tinsom.messages import Item, Place, Tag

if TYPE_CHECKING:
    from services.classifier.tagger import TagInput


def register(app: typer.Typer) -> None:
    app.command()(pause)
    app.command()(resume)
    app.command("route-test")(route_test)
    app.command()(forecast)


def pause(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Stop all sending; what comes meanwhile waits until `tinsom resume`."""
    _set_paused(config, True)
    say("nothing is sent any more; `tinsom resume` lets it go on")


def resume(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """Let sending go on after `tinsom pause`."""
    _set_paused(config, False)
    say("sending goes on")


def _set_paused(path: Path, paused: bool) -> None:
    from services.alerter.commands import pause as set_paused

    settings = load_config(path)

    async def work() -> None:
        async with opened_log(settings) as log:
            await set_paused(log, paused, millis(SystemClock().now()))

    run_async(work())


def route_test(
    path: Annotated[Path, typer.Argument(help="A text, its title first; - reads standard input.")] = Path("-"),
    config: ConfigPath = DEFAULT_CONFIG,
) -> None:
    """Who would be told about a text, and why; who would not, and which demand was not met. Nothing is sent."""
    from services.alerter.commands import route_test as routed
    from services.classifier import commands

    settings = load_config(config)
    given = b"".join(read_lines(path))
    if not given.strip():
        raise InputError(f"{path}: nothing to route")
    asked = commands.from_text(given.decode("utf-8-sig", "replace"))
    now = datetime.now(UTC)
    tagger = commands.tagger_for(Path(settings.taxonomy) if settings.taxonomy else None)
    tags = tagger.tag(asked)
    tagged: list[Tag | Place] = [*tags.initiatives, *tags.agencies, *tags.places]
    called = {tag.id: tagger.taxonomy.name(tag.id) for tag in tagged}
    for line in routed(settings, _item(asked, now), tags, now, called):
        say(line)


def _item(given: TagInput, now: datetime) -> Item:
    """As if it had been fetched now and were news."""
    return Item(
        id="route-test", publisher="route-test", source="route-test", url="",
        title=given.title, lede=given.lede, text=given.text, fetched_at=now,
    )  # fmt: skip


def forecast(config: ConfigPath = DEFAULT_CONFIG) -> None:
    """What each subscription of the file would have sent in the last 30 days, what each mute would have hidden.

    Tried on what the log holds, whether it was applied or not; nothing is sent and nothing written.
    """
    from services.alerter.forecasting import forecast as lines

    settings = load_config(config)

    async def work() -> None:
        async with opened_log(settings) as log:
            async for line in lines(settings, log, SystemClock()):
                say(line)

    run_async(work())
