"""The buttons under alerts: a judgement, or that a deadline has been taken note of. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from services.alerter import clean, ledger, rendering
from services.alerter.book import About
from services.alerter.bot import explaining
from services.alerter.bot.effects import BOT, Button, Effects, View, Write
from services.alerter.bot.updates import Place, Pressed
from tinsom import messages as m

Judgement = Literal["right", "irrelevant"]
_CHOICES: dict[str, Judgement] = {"+": "right", "-": "irrelevant"}
KEPT = timedelta(days=2)  # so long an acknowledgement outlives its deadline


def key_of(verdict: m.Verdict) -> str:
    return f"{verdict.reader}/{verdict.alert}"


def pressed(sent: Pressed, place: Place, view: View, now: float) -> Effects:
    """A button counts only in the chat that got the alert."""
    kind, sign, alert = (*sent.data.split(":", 2), "", "")[:3]
    about = view.about(alert)
    here = any(explaining.alert_of(about, to) for to in view.of_chat(place.chat))
    if about is None or not here or sign not in _CHOICES:
        return Effects("unknown", toast=view.label("unknown_alert"))
    if kind == "a":
        return _acknowledged(sent, place, about, view, now, taken=sign == "+")
    return _judged(_CHOICES[sign], alert, about, place, view, now)


def _judged(choice: Judgement, alert: str, about: About, place: Place, view: View, now: float) -> Effects:
    """Once for each reader: the newest holds."""
    verdict = m.Verdict(
        reader=view.reader(place.person), alert=alert, verdict=choice, item=about.item,
        matched=list(about.matched), at=ledger.when(now),
    )  # fmt: skip
    before = view.verdicts.get(key_of(verdict))
    if before is not None and before.verdict == choice:
        return Effects("same", toast=view.label(choice))
    key = key_of(verdict)
    return Effects("verdict", writes=(Write("verdicts", key, verdict, key),), toast=view.label(choice))


def _acknowledged(sent: Pressed, place: Place, about: About, view: View, now: float, *, taken: bool) -> Effects:
    """Later reminders of this task for this deadline are not sent to this chat; a moved date is another matter."""
    task, _, deadline = about.task.partition(" ")
    if not task:
        return Effects("unknown", toast=view.label("gone_button"))
    id_ = f"{about.destination}/task:{task}"
    rule = m.Mute(
        id=id_, match=m.Match(), until=_until(deadline, now), destination=about.destination,
        author=view.reader(place.person), task=task, deadline=deadline,
    )  # fmt: skip
    return Effects(
        "acknowledged",
        writes=(Write("subscriptions", BOT + id_, rule if taken else None, id_),),
        toast=view.label("acknowledged" if taken else "unacknowledged"),
        keyboard=_keyboard(sent, view, now, view.destinations[about.destination].timezone, taken=taken),
    )


def _until(deadline: str, now: float) -> datetime:
    try:
        return datetime.combine(date.fromisoformat(deadline), time(), UTC) + KEPT
    except ValueError:
        return ledger.when(now) + timedelta(days=30)


def _keyboard(
    sent: Pressed, view: View, now: float, timezone: str, *, taken: bool
) -> tuple[tuple[Button, ...], ...] | None:
    """The same buttons; the one that was pressed now says who has taken note, and takes it back."""
    under = sent.message.reply_markup if sent.message is not None else None
    if under is None:
        return None
    who = clean.one_line(sent.sender.first_name, 24) or view.label("somebody")
    at = rendering.local_time(ledger.when(now), timezone).split()[0]
    says = view.label("acked_button", who=who, at=at) if taken else view.label("ack_button")
    turned = f"a:{'-' if taken else '+'}:{sent.data.split(':', 2)[2]}"
    return tuple(
        tuple(
            Button(says, turned) if b.callback_data == sent.data else Button(b.text, b.callback_data) for b in row
        )
        for row in under.inline_keyboard
    )
