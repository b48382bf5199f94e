"""What a burst or a silence says to a person: it is nobody's headline, so the words are ours. Pure."""

from __future__ import annotations

from typing import Literal

from tinsom.messages import Item, Notice, Signal, StoryChange

Kind = Literal["burst", "silence"]
_TITLES: dict[str, dict[Kind, str]] = {
    "vi": {
        "burst": "{name}: {observed} tin trong {window}, thường là {expected}",
        "silence": "{name}: không có tin nào trong {window}, thường là {expected}",
    },
    "en": {
        "burst": "{name}: {observed} items in {window}, usually {expected}",
        "silence": "{name}: nothing in {window}, usually {expected}",
    },
}
_LEDES: dict[str, dict[Kind, str]] = {
    "vi": {"burst": "Tin mới nhất: {}", "silence": "Tin cuối cùng: {}"},
    "en": {"burst": "The newest: {}", "silence": "The last: {}"},
}
_UNITS = {"vi": ("ngày", "giờ", "phút"), "en": ("d", "h", "min")}


def signal_of(change: StoryChange) -> tuple[Kind, Signal] | None:
    """The signal that a change is, and of which kind; None for what happened to an item."""
    if change.signal is None or not (change.kind == "burst" or change.kind == "silence"):
        return None
    return change.kind, change.signal


def notice(kind: Kind, signal: Signal, item: Item, language: str) -> Notice:
    title = _TITLES[language][kind].format(
        name=signal.name or signal.about,
        observed=signal.observed,
        expected=_number(signal.expected, language),
        window=_window(signal.window, language),
    )
    return Notice(
        title=title,
        url=item.url,
        source=item.source_name or item.publisher,
        fetched_at=signal.since,
        published_at=signal.since,
        lede=_LEDES[language][kind].format(item.title) if item.title else "",
    )


def _window(seconds: int, language: str) -> str:
    """`3 giờ`, `2 ngày`: in the largest unit that says it exactly enough."""
    days, hours, minutes = _UNITS[language]
    if seconds >= 2 * 86_400:
        return f"{round(seconds / 86_400)} {days}"
    return f"{round(seconds / 3_600)} {hours}" if seconds >= 3_600 else f"{round(seconds / 60)} {minutes}"


def _number(value: float, language: str) -> str:
    text = f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")
    return text.replace(".", ",") if language == "vi" else text
