"""To follow, to leave off, to see what is followed: the wishes of a chat. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from markupsafe import Markup

from services.alerter import clean, ledger, rendering
from services.alerter.bot import settings, wishes
from services.alerter.bot.effects import BOT, Ask, Button, Effects, Reply, View, Write, is_own
from services.alerter.bot.past import Forecast, Line
from services.alerter.bot.subjects import Subject, free
from services.alerter.bot.updates import Place
from tinsom import messages as m

MOST = 50  # things that one chat follows
BROAD = 30.0  # alerts a day above which a reader is asked first
NARROWER = 6  # offered at once
SHOWN = 60  # characters of what a reader wrote, or of a name on a button


class Proposal(NamedTuple):
    """Something to follow. `sure`: the reader was told how much it is, and wants it; `low`: in the digest."""

    subject: Subject
    sure: bool = False
    low: bool = False


def follow(text: str, place: Place, view: View, now: float) -> Effects:
    """/follow, with or without what; a thing that is surely meant is proposed at once."""
    if not text:
        return view.told("asked", "ask_follow", *offers(view))
    if not view.directory.names:
        return view.told("asked", "not_ready")
    found = view.directory.search(text)
    if found.sure:
        return propose(Proposal(found.subjects[0]), place, view, now)
    word = free(text)
    if not found.subjects and word is None:
        return view.told("asked", "too_long")
    rows = _each(found.subjects, view, "f")
    if word is not None:
        rows.append((Button(view.label("keyword_button", text=wishes.short(word.id)), f"f:{word.code}"),))
    phrase = "several" if found.subjects else "nothing_like_it"
    return view.told("asked", phrase, *rows, text=clean.shown(text, SHOWN))


def offers(view: View) -> list[tuple[Button, ...]]:
    """Two in a row: the best known."""
    buttons = [Button(wishes.short(s.name), f"f:{s.code}") for s in view.favourites]
    return [tuple(buttons[n : n + 2]) for n in range(0, len(buttons), 2)]


def _each(subjects: Iterable[Subject], view: View, verb: str) -> list[tuple[Button, ...]]:
    return [(Button(f"{wishes.short(s.name)} ({view.label(s.kind)})", f"{verb}:{s.code}"),) for s in subjects]


def propose(proposal: Proposal, place: Place, view: View, now: float) -> Effects:
    """What has ended leads to what took its place; of the rest the reader is told how much would come."""
    subject = proposal.subject
    if standing := view.directory.standing(subject):
        return view.told("asked", "ended", *_each(standing, view, "f"), name=subject.name)
    return Effects("asked", ask=Ask(subject.match, lambda found: proposed(proposal, place, found, view, now)))


def proposed(proposal: Proposal, place: Place, forecast: Forecast, view: View, now: float) -> Effects:
    """Follow, or ask once more when it is very much."""
    subject, to = proposal.subject, view.at(place)
    held = view.wishes_of(to.alias) if to is not None else {}
    if any(is_own(key) and wish.match == subject.match for key, wish in held.items()) and not proposal.sure:
        return view.told("same", "already", [_leave(subject, view)], name=subject.name)
    if len(held) >= MOST:
        return view.told("asked", "full", most=MOST)
    if forecast.per_day > BROAD and not proposal.sure:
        return _ask(subject, forecast, view, (to or new_destination(place, view)).timezone)
    return _followed(proposal, place, forecast, view, now)


def _ask(subject: Subject, forecast: Forecast, view: View, timezone: str) -> Effects:
    rows = (
        (Button(view.label("follow_anyway"), f"F:{subject.code}"),),
        (Button(view.label("follow_low"), f"L:{subject.code}"), Button(view.label("cancel"), "x")),
    )
    text = view.say("broad", name=subject.name, rate=wishes.rate(forecast, view)) + _latest(
        forecast, view, timezone
    )
    return Effects("asked", reply=Reply(text, rows))


def _followed(proposal: Proposal, place: Place, forecast: Forecast, view: View, now: float) -> Effects:
    known, subject = view.at(place), proposal.subject
    to = known or new_destination(place, view)
    wish = m.Subscription(
        id=f"{to.alias}/{subject.key}", destination=to.alias, match=subject.match,
        priority="low" if proposal.low else "normal", since=ledger.when(now),
    )  # fmt: skip
    how = view.label("in_digest") if proposal.low else ""
    text = view.say("followed", name=subject.name, how=how) + Markup("\n")
    text += view.say("rate_line", rate=wishes.rate(forecast, view)) + _latest(forecast, view, to.timezone)
    return Effects(
        "followed",
        learned=to if known is None else None,
        writes=(Write("subscriptions", BOT + wish.id, wish, wish.id),),
        reply=Reply(text, (*_neighbours(subject, view), (_leave(subject, view),))),
    )


def new_destination(place: Place, view: View) -> m.Destination:
    return m.Destination(alias=view.alias(place), channel="telegram", address=place.chat, thread=place.thread)


def _leave(subject: Subject, view: View) -> Button:
    return Button(view.label("unfollow_button"), f"u:{subject.key}")


def _neighbours(subject: Subject, view: View) -> list[tuple[Button, ...]]:
    wider, narrower = view.directory.related(subject)
    named = [("wider", s) for s in wider] + [("narrower", s) for s in narrower[:NARROWER]]
    return [(Button(view.label(how, name=wishes.short(s.name)), f"f:{s.code}"),) for how, s in named]


def _latest(forecast: Forecast, view: View, timezone: str) -> Markup:
    if not forecast.latest:
        return Markup("")
    lines = Markup("\n").join(_line(line, timezone) for line in forecast.latest)
    return Markup("\n\n") + view.say("latest") + Markup("\n") + lines


def _line(line: Line, timezone: str) -> Markup:
    day = rendering.local_time(ledger.when(line.at), timezone).split()[-1][:5]
    return Markup("• {} {}").format(day, linked(line.title, line.url))


def linked(title: str, url: str) -> Markup:
    """A feed's title with its own address, both harmless."""
    text, address = clean.shown(title, 120), clean.link(url)
    return Markup('<a href="{}">{}</a>').format(address, text) if address else Markup("{}").format(text)


# --- what is followed -----------------------------------------------------------------------------------------


def listed(to: m.Destination, view: View, now: float) -> Effects:
    """/list"""
    held = view.wishes_of(to.alias)
    lines = [
        Markup("• {}{}").format(wishes.named(w.match, view) or w.id, _remark(k, w, view)) for k, w in held.items()
    ]
    about = [settings.summary(to, view), *settings.muted_lines(to, view, now)]
    if not lines:
        return view.told("shown", "nothing_followed", *offers(view))
    return view.told("shown", "list", lines=Markup("\n").join(lines), settings=Markup("\n").join(about))


def _remark(key: str, wish: m.Subscription, view: View) -> str:
    return (view.label("low") if wish.priority == "low" else "") + (
        "" if is_own(key) else view.label("by_operator")
    )


def unfollow(text: str, to: m.Destination, view: View) -> Effects:
    """/unfollow: by name, or by a button for each."""
    own = {key: wish for key, wish in view.wishes_of(to.alias).items() if is_own(key)}
    if not own:
        return view.told("shown", "only_operator" if view.wishes_of(to.alias) else "nothing_followed")
    if not text:
        return view.told("asked", "ask_unfollow", *wishes.buttons(own, view, "u"))
    meant = wishes.candidates(text, view)
    chosen = [key for key, wish in own.items() if any(wish.match == subject.match for subject in meant)]
    if len(chosen) == 1:
        return _left(chosen[0], own[chosen[0]], view)
    return view.told("unknown", "not_followed", *wishes.buttons(own, view, "u"), text=clean.shown(text, SHOWN))


def unfollow_key(key: str, to: m.Destination, view: View) -> Effects:
    """The button under what was followed, or in a list."""
    full = f"{BOT}{to.alias}/{key}"
    wish = view.wishes.get(full)
    if not isinstance(wish, m.Subscription):
        return Effects("unknown", toast=view.label("gone_button"))
    return _left(full, wish, view)


def _left(key: str, wish: m.Subscription, view: View) -> Effects:
    text = view.say("unfollowed", name=wishes.named(wish.match, view))
    return Effects(
        "unfollowed", writes=(Write("subscriptions", key, None, key.removeprefix(BOT)),), reply=Reply(text)
    )
