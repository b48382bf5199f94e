"""/why: why an alert came, from what is kept of it and of its item. Pure."""

from __future__ import annotations

from markupsafe import Markup

from services.alerter import clean, following
from services.alerter.book import About
from services.alerter.effects import Effects, Reply, View
from services.alerter.past import Because, Seen
from services.alerter.updates import Incoming, alert_under
from tinsom import messages as m


def why(message: Incoming, to: m.Destination, view: View) -> Effects:
    """Of the alert that is answered, else of the latest one told here."""
    alert = alert_under(message.reply_to_message) or view.latest(to.alias) or ""
    about = view.about(alert)
    if about is None or about.destination != to.alias:
        return view.told("unknown", "why_nothing")
    seen = view.seen(about.item)
    lines = [view.say("why_title", title=_title(seen, view)).strip()]
    lines += [_reason(matched, seen, view) for matched in about.matched]
    if seen is not None:
        lines.append(view.say("why_source", source=clean.shown(seen.source, 100)))
    lines.append(view.say("why_end"))
    return Effects("shown", reply=Reply(Markup("\n").join(lines)))


def _title(seen: Seen | None, view: View) -> Markup:
    return following.linked(seen.title, seen.url) if seen is not None else Markup("")


def _reason(matched: str, seen: Seen | None, view: View) -> Markup:
    """What is followed, and where it was found; a parent is found in what belongs to it."""
    kind, _, id_ = matched.partition(":")
    name = f"“{id_}”" if kind == "keyword" else view.directory.called(id_)
    because = seen.because.get(matched) if seen is not None else None
    return view.say(
        "why_line",
        name=Markup("<b>{}</b> ({})").format(clean.shown(name, 120), view.label(kind)),
        where=_where(because, derived=seen is not None and kind == "initiative", view=view),
    )


def _where(because: Because | None, *, derived: bool, view: View) -> str:
    if because is None:
        return view.label("why_derived") if derived else ""
    return view.label(f"why_{because.field}_field", words=clean.shown(because.words, 100))


def alert_of(about: About | None, to: m.Destination | None) -> bool:
    """Was this alert told there?"""
    return about is not None and to is not None and about.destination == to.alias
