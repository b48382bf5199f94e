"""Who comes in, and how somebody leaves: /start and /stop. Pure.

A stranger learns the number of his own chat, which an operator needs to add him, and nothing else.
"""

from __future__ import annotations

import msgspec

from services.alerter.bot import following
from services.alerter.bot.effects import BOT, STOPPED, Effects, Reply, View, Write, is_own
from services.alerter.bot.updates import Place
from tinsom import messages as m


def start(code: str, place: Place, view: View) -> Effects:
    """In a chat that is known already it begins again; in another one it asks who sends it."""
    to = view.at(place)
    if to is None and view.of_chat(place.chat):
        return _entered(place, view)  # a topic of a known forum
    if to is None:
        return _at_the_door(code, place, view)
    if to.state == "active":
        return view.told("started", "welcome", *following.offers(view))
    active = msgspec.structs.replace(to, state="active", reason="")
    return Effects("started", learned=active, reply=Reply(view.say("again")))


def _at_the_door(code: str, place: Place, view: View) -> Effects:
    # A private chat has the number of its person: who has come in brings his groups along.
    known = any(d.state == "active" for d in view.of_chat(str(place.person)))
    if view.door.opens(place, code, known):
        return _entered(place, view)
    if code and view.door.invitation:
        return view.told("refused", "wrong_code", number=place.chat)
    return view.told("greeted", "stranger", number=place.chat)


def _entered(place: Place, view: View) -> Effects:
    reply = Reply(view.say("welcome"), tuple(following.offers(view)))
    return Effects("entered", learned=following.new_destination(place, view), reply=reply)


def stop(place: Place, to: m.Destination, view: View) -> Effects:
    """Nothing comes any more, and nothing is kept: not what the chat wished, not what the person judged.

    A destination of the file stays there, suspended: only its operator can take it out.
    """
    gone = [*ended(to, view), *(Write("verdicts", key, None, key) for key in judgements(place.person, view))]
    reply = Reply(view.say("stopped"))
    if not view.configured(to.alias):
        return Effects("stopped", writes=tuple(gone), reply=reply)
    stopped = msgspec.structs.replace(to, state="suspended", reason=STOPPED, chosen=[])
    return Effects("stopped", learned=stopped, writes=tuple(gone), reply=reply)


def ended(to: m.Destination, view: View) -> list[Write]:
    """The end of all that a chat wished, and of itself, unless a file names it."""
    gone = [Write("subscriptions", key, None, key.split("/", 1)[1]) for key in _wishes(to.alias, view)]
    if not view.configured(to.alias):
        gone.append(Write("destinations", f"bot/{to.alias}", None, to.alias))
    return gone


def moved(to: m.Destination, twin: m.Destination, view: View) -> list[Write]:
    """A file names a chat that a reader had brought in: what was wished there goes over, nobody is told twice."""
    gone = ended(to, view)
    for key in _wishes(to.alias, view):
        wish = view.wishes[key]
        id_ = f"{twin.alias}/{wish.id.partition('/')[2]}"
        over = msgspec.structs.replace(wish, id=id_, destination=twin.alias)
        gone.append(Write("subscriptions", BOT + id_, over, id_))
    return gone


def _wishes(alias: str, view: View) -> list[str]:
    return [key for key, wish in view.wishes.items() if is_own(key) and wish.destination == alias]


def judgements(person: int, view: View) -> list[str]:
    """Keys of everything that a person has judged."""
    reader = view.reader(person)
    return [key for key in view.verdicts if key.startswith(f"{reader}/")]
