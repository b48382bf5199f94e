"""What is followed in a chat, as it is read, named and put behind buttons. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.alerter import clean
from services.alerter.bot.effects import Button, View
from services.alerter.bot.past import Forecast
from services.alerter.bot.subjects import FIELDS, Subject, free
from tinsom import messages as m


def named(match: m.Match, view: View) -> str:
    """What a wish asks for, as a person reads it."""
    parts = []
    for kind, field in FIELDS.items():
        ids: list[str] = getattr(match, field)
        if ids:
            called = [f"“{i}”" if kind == "keyword" else view.directory.called(i) for i in ids]
            parts.append(", ".join(called) + f" ({view.label(kind)})")
    return clean.shown(" + ".join(parts), 200)


def candidates(text: str, view: View) -> Sequence[Subject]:
    """What may be meant by words that name something that is followed already."""
    word = free(text)
    return [*view.directory.search(text).subjects, *([word] if word is not None else [])]


def buttons(own: Mapping[str, m.Subscription], view: View, verb: str) -> list[tuple[Button, ...]]:
    """One for each of the chat's own wishes."""
    return [(Button(short(named(w.match, view)), f"{verb}:{w.id.partition('/')[2]}"),) for w in own.values()]


def short(text: str, most: int = 48) -> str:
    """For a button."""
    return clean.one_line(text, most)


def rate(forecast: Forecast, view: View) -> str:
    """How much would have come, in words."""
    days = forecast.whole_days
    if not forecast.days:
        return view.label("rate_unknown")
    if not forecast.count:
        return view.label("rate_none", days=days)
    if forecast.per_day < 1:
        return view.label("rate_few", count=forecast.count, days=days)
    return view.label("rate_day", count=round(forecast.per_day), days=days)
