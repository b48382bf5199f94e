"""What a reader says to the bot, and what follows: an update in, effects out. Pure.

Here it is only decided who is asked: `entrance`, `following`, `settings`, `explaining`, `judging`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from services.alerter.bot import entrance, explaining, following, judging, settings
from services.alerter.bot.effects import Effects, View
from services.alerter.bot.following import Proposal
from services.alerter.bot.updates import Incoming, Place, Pressed, Update, place_of
from tinsom import messages as m

ASKING = frozenset({"help", "list", "why"})  # change nothing: in a group anybody may
_BUTTONS_FOR_ALL = frozenset({"v", "a"})  # under alerts


def decide(update: Update, view: View, now: float) -> Effects:
    place = place_of(update)
    if place is None or place.kind == "other":
        return Effects("ignored")
    if update.callback_query is not None:
        return _pressed(update.callback_query, place, view, now)
    message = update.message
    by_machine = message is not None and message.sender is not None and message.sender.is_bot
    if message is None or not message.text or (by_machine and not place.anonymous):
        return Effects("ignored")
    return _said(message, place, view, now)


def wants_admin(update: Update) -> bool:
    """May in a group only an administrator do this? Asked before `decide`, which must know whether it is one."""
    place = place_of(update)
    if place is None or not place.is_group or place.anonymous:
        return False
    if update.callback_query is not None:
        return update.callback_query.data.partition(":")[0] not in _BUTTONS_FOR_ALL
    text = update.message.text if update.message is not None else ""
    return text.startswith("/") and _command(text)[0] not in ASKING


def wants_past(update: Update) -> bool:
    """Must what came lately be read before this is answered?"""
    text = update.message.text if update.message is not None else ""
    return text.startswith("/") and _command(text)[0] == "why"


def _command(text: str) -> tuple[str, str, str]:
    """(command, the bot that it names, the rest): `/follow@tinsom_bot Đề án 06`."""
    first, _, rest = text.partition(" ") if "\n" not in text.split(" ")[0] else text.partition("\n")
    command, _, named = first.removeprefix("/").partition("@")
    return command.lower(), named.lower(), " ".join(rest.split())


def _said(message: Incoming, place: Place, view: View, now: float) -> Effects:
    if not message.text.startswith("/"):
        # To the bot alone a name says it all; a group talks of other things.
        to = view.at(place)
        known = place.kind == "private" and to is not None and to.state == "active"
        text = " ".join(message.text.split())
        return following.follow(text, place, view, now) if known else Effects("ignored")
    command, named, rest = _command(message.text)
    if named and view.username and named != view.username.lower():
        return Effects("ignored")  # meant for another bot
    known = bool(view.of_chat(place.chat))
    if command not in _COMMANDS:
        addressed = known and (place.kind == "private" or bool(named))
        return view.told("unknown", "unknown_command") if addressed else Effects("ignored")
    if not known and command != "start":
        return Effects("ignored")
    if place.is_group and command not in ASKING and not view.admin:
        return view.told("forbidden", "admins_only")
    return _answered(command, rest, message, place, view, now)


def _answered(command: str, rest: str, message: Incoming, place: Place, view: View, now: float) -> Effects:
    """A command that may be given; some need no destination, since they lead to one."""
    if command == "start":
        return entrance.start(rest, place, view)
    if command == "follow":
        return following.follow(rest, place, view, now)
    if command == "help":
        return view.told("shown", "help")
    to = view.at(place)
    if to is None:
        return view.told("shown", "nothing_followed", *following.offers(view))
    return _OF_A_DESTINATION[command](rest, message, place, to, view, now)


Handler = Callable[[str, Incoming, Place, m.Destination, View, float], Effects]

_OF_A_DESTINATION: dict[str, Handler] = {
    "unfollow": lambda rest, message, place, to, view, now: following.unfollow(rest, to, view),
    "list": lambda rest, message, place, to, view, now: following.listed(to, view, now),
    "digest": lambda rest, message, place, to, view, now: settings.digest(rest, to, view),
    "quiet": lambda rest, message, place, to, view, now: settings.quiet(rest, to, view),
    "mute": lambda rest, message, place, to, view, now: settings.mute(rest, place, to, view, now),
    "why": lambda rest, message, place, to, view, now: explaining.why(rest, message, to, view, now),
    "stop": lambda rest, message, place, to, view, now: entrance.stop(place, to, view),
}
_COMMANDS = frozenset({"start", "follow", "help", *_OF_A_DESTINATION})


def _pressed(pressed: Pressed, place: Place, view: View, now: float) -> Effects:
    verb, _, rest = pressed.data.partition(":")
    if verb in _BUTTONS_FOR_ALL:
        return judging.pressed(pressed, place, view, now)
    gone = Effects("unknown", toast=view.label("gone_button"))
    if not view.of_chat(place.chat):
        return gone
    if place.is_group and not view.admin:
        return Effects("forbidden", toast=view.label("admins_only"))
    if verb == "x":
        return _in_place(view.told("shown", "cancelled"))
    if verb in ("f", "F", "L"):
        subject = view.directory.subject(rest)
        if subject is None:
            return gone
        proposal = Proposal(subject, sure=verb != "f", low=verb == "L")
        proposed = following.propose(proposal, place, view, now)
        return _in_place(proposed) if proposal.sure else proposed
    to = view.at(place)
    return gone if to is None else _in_place(_chosen(verb, rest, place, to, view, now) or gone)


def _in_place(effects: Effects) -> Effects:
    """The answer takes the place of the question: no old buttons stay behind."""
    if (ask := effects.ask) is not None:
        return replace(effects, ask=ask._replace(then=lambda found: _in_place(ask.then(found))))
    if effects.reply is None:
        return effects
    return replace(effects, reply=replace(effects.reply, edit=True))


def _chosen(verb: str, rest: str, place: Place, to: m.Destination, view: View, now: float) -> Effects | None:
    """A button of a list or a setting; None for one that means nothing any more."""
    match verb:
        case "u":
            return following.unfollow_key(rest, to, view)
        case "d":
            return settings.digest_set(rest, to, view)
        case "q":
            return settings.quiet_set(rest, to, view)
        case "m":
            key = settings.wish_behind(rest, to, view)
            return settings.how_long(key, view) if key else None
        case "M":
            hours, _, code = rest.partition(":")
            key = settings.wish_behind(code, to, view)
            valid = key and hours.isdecimal() and 0 < int(hours) <= settings.LONGEST_MUTE
            return settings.muted(key, int(hours), place, to, view, now) if valid else None
        case "U":
            return settings.unmuted(rest, to, view)
    return None
