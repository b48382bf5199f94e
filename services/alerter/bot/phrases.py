"""Everything the bot says; the words are in `phrasebook`, a file for each language. Read once, then pure."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml
from markupsafe import Markup

COMMANDS = ("follow", "list", "unfollow", "digest", "quiet", "mute", "why", "help", "stop")


@cache
def book(language: str) -> dict[str, str]:
    text = (resources.files(__package__) / "phrasebook" / f"{language}.yaml").read_text("utf-8")
    return {key: phrase.rstrip("\n") for key, phrase in yaml.safe_load(text).items()}


def say(language: str, phrase: str, **values: object) -> Markup:
    """HTML; every value but a `Markup` is escaped."""
    return Markup(book(language)[phrase]).format(**values)  # noqa: S704 our own words


def label(language: str, phrase: str, **values: object) -> str:
    """For a button or an answer to one, which take no HTML."""
    return book(language)[phrase].format(**values)
