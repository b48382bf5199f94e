"""/why: why an alert came, from what is kept of it and of its item. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from markupsafe import Markup

from services.alerter import clean
from services.alerter.book import About
from services.alerter.bot import following, wishes
from services.alerter.bot.effects import Button, Effects, Reply, View
from services.alerter.bot.past import Because, Seen
from services.alerter.bot.subjects import OFFERED
from services.alerter.bot.updates import Incoming, alert_under
from services.alerter.plan import plan
from tinsom import messages as m


def why(text: str, message: Incoming, to: m.Destination, view: View, now: float) -> Effects:
    """Of the alert that is answered, else of the latest one told here; of words, whether that came and why not."""
    if text:
        return _whether(text, to, view, now)
    alert = alert_under(message.reply_to_message) or view.latest(to.alias) or ""
    about = view.about(alert)
    if about is None or about.destination != to.alias:
        return view.told("unknown", "why_nothing")
    return Effects("shown", reply=Reply(_told(about.item, about.matched, view)))


def _told(item: str, matched: Sequence[str], view: View) -> Markup:
    seen = view.seen(item)
    lines = [view.say("why_title", title=_title(seen, view)).strip()]
    lines += [_reason(one, seen, view) for one in matched]
    if seen is not None:
        lines.append(view.say("why_source", source=clean.shown(seen.source, 100)))
    return Markup("\n").join([*lines, view.say("why_end")])


def _whether(text: str, to: m.Destination, view: View, now: float) -> Effects:
    """Plan it again for this destination alone: as things stand, was it told, and if not, why not?"""
    entry = view.recall(text)
    seen = view.seen(entry.item) if entry is not None else None
    if entry is None or seen is None:
        return view.told("unknown", "why_not_found")
    change = msgspec.json.decode(entry.raw, type=m.StoryChange)
    mutes = [*view.mutes_of(to.alias, now).values(), *view.mutes_of("", now).values()]
    decided = plan(change, view.wishes_of(to.alias).values(), view.rules, mutes=mutes)
    if decided and isinstance(decided[0], m.Alert) and view.about(decided[0].id) is not None:
        return Effects("shown", reply=Reply(_told(entry.item, decided[0].matched, view)))
    head = view.say("why_not") + Markup("\n") + _title(seen, view) + Markup("\n")
    if not decided:
        return _unmatched(head, change, view)
    reason = decided[0].reason if isinstance(decided[0], m.Suppression) else "on_its_way"
    return Effects("shown", reply=Reply(head + view.say(f"why_{reason}")))


def _unmatched(head: Markup, change: m.StoryChange, view: View) -> Effects:
    """What it is about, to be followed with a press."""
    tags = msgspec.json.decode(change.tagged, type=m.TaggedItem).tags
    codes = [f"i:{t.id}" for t in tags.initiatives if t.role == "primary"]
    codes += [f"a:{t.id}" for t in tags.agencies if t.role == "primary"]
    codes += [f"p:{p.id}" for p in tags.places if p.role == "primary"]
    subjects = [s for code in codes if (s := view.directory.subject(code)) is not None][:OFFERED]
    rows = tuple((Button(f"{wishes.short(s.name)} ({view.label(s.kind)})", f"f:{s.code}"),) for s in subjects)
    return Effects("shown", reply=Reply(head + view.say("why_unmatched" if rows else "why_nothing_in_it"), rows))


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
