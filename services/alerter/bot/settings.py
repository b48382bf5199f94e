"""How a chat wants its alerts: at once or gathered, when quiet, what silenced and for how long. Pure."""

from __future__ import annotations

import hashlib
import re

import msgspec
from markupsafe import Markup

from services.alerter import clean, ledger, rendering
from services.alerter.bot import wishes
from services.alerter.bot.effects import BOT, Ask, Button, Effects, Reply, View, Write, is_own
from services.alerter.bot.updates import Place
from tinsom import localtime
from tinsom import messages as m
from tinsom.text import unaccented

_RHYTHMS: dict[str, str] = {
    "off": "off", "tat": "off", "ngay lap tuc": "off", "gui ngay": "off", "now": "off", "ngay": "daily",
    "hourly": "hourly", "gio": "hourly", "moi gio": "hourly", "daily": "daily", "moi ngay": "daily",
    "hang ngay": "daily", "weekly": "weekly", "tuan": "weekly", "moi tuan": "weekly", "hang tuan": "weekly",
}  # fmt: skip
NIGHT, WEEKEND = "22:00-06:30", "sat,sun 00:00-24:00"
_CLOCK = re.compile(r"(\d{1,2})\s*(?:h|g|giờ|:)\s*(\d{2})?|(\d{1,2})(?![\d:hg])", re.IGNORECASE)
_DURATION = re.compile(r"(\d{1,3})\s*(h|giờ|gio|hours?|d|ngày|ngay|days?|w|tuần|tuan|weeks?|tháng|thang|months?)$")
_HOURS = {"h": 1, "g": 1, "d": 24, "n": 24, "w": 168, "tu": 168, "th": 720, "m": 720}
ID_BYTES = 48
LONGEST_MUTE = 24 * 365
_OFFERED_HOURS = (("hours", 4, 4), ("day", 1, 24), ("days", 3, 72), ("week", 1, 168), ("month", 1, 720))


def summary(to: m.Destination, view: View) -> Markup:
    return view.say("settings", digest=_rhythm(to, view), quiet=_quiet(to, view))


def _rhythm(to: m.Destination, view: View) -> str:
    return view.label(f"digest_{to.digest if to.gathered else 'off'}", at=to.digest_at)


def _quiet(to: m.Destination, view: View) -> str:
    return ", ".join(view.label("quiet_weekend") if q == WEEKEND else q for q in to.quiet) or view.label(
        "quiet_none"
    )


def _set(to: m.Destination, reply: Reply, **chosen: object) -> Effects:
    """A setting that readers chose holds over the file's."""
    names = sorted({*to.chosen, *chosen})
    return Effects("set", learned=msgspec.structs.replace(to, **chosen, chosen=names), reply=reply)


# --- digest ---------------------------------------------------------------------------------------------------


def digest(text: str, to: m.Destination, view: View) -> Effects:
    """/digest: a rhythm, and a time if one is given; alone it asks."""
    if not text:
        rows = [[Button(view.label(f"button_{r}"), f"d:{r}")] for r in ("off", "hourly", "daily", "weekly")]
        return view.told("asked", "ask_digest", *rows, now=_rhythm(to, view))
    found = re.search(r"\d{1,2}:\d{2}", text)
    words = unaccented(re.sub(r"\d{1,2}:\d{2}", "", text)).lower().strip()
    # "ngay" without its mark is "ngày"; with none to lose it is "at once".
    rhythm = "off" if words == "ngay" and "ngay" in text.lower().split() else _RHYTHMS.get(words)
    if rhythm is None and found is not None and not words:
        rhythm = to.digest if to.gathered else "daily"
    if rhythm is None or (found is not None and _bad_time(found[0])):
        return view.told("unknown", "digest_unclear")
    return digest_set(rhythm, to, view, at=found[0].zfill(5) if found else "")


def _bad_time(text: str) -> bool:
    try:
        localtime.parse_time(text)
    except ValueError:
        return True
    return False


def digest_set(rhythm: str, to: m.Destination, view: View, at: str = "") -> Effects:
    if rhythm == "off":
        chosen: dict[str, object] = {"gathered": False}
    elif rhythm in ("hourly", "daily", "weekly"):
        chosen = {"gathered": True, "digest": rhythm} | ({"digest_at": at} if at else {})
    else:
        return Effects("unknown", toast=view.label("gone_button"))
    after = msgspec.structs.replace(to, **chosen)
    return _set(to, Reply(view.say("digest_set", now=_rhythm(after, view))), **chosen)


# --- quiet hours ----------------------------------------------------------------------------------------------


def quiet(text: str, to: m.Destination, view: View) -> Effects:
    """/quiet: hours in nearly any way people write them, or off; alone it asks."""
    if not text:
        rows = [
            [Button(view.label("quiet_night"), f"q:{NIGHT}"), Button(view.label("quiet_weekend"), f"q:{WEEKEND}")],
            [Button(view.label("quiet_off"), "q:off")],
        ]
        return view.told("asked", "ask_quiet", *rows, now=_quiet(to, view))
    if unaccented(text).lower() in ("off", "tat", "khong", "none"):
        return quiet_set("off", to, view)
    wanted = hours(text)
    if wanted is None:
        return view.told("unknown", "quiet_unclear")
    return quiet_set(wanted, to, view)


def hours(text: str) -> str | None:
    """`22h-6h30`, `22-6`, `22:00 đến 06:30`, `sat,sun 00:00-24:00` → as a rule writes it; None if it is none."""
    plain = text.strip().lower().replace("–", "-")
    if _is_rule(plain):
        return plain
    plain = re.sub(r"\s*(?:đến|den|tới|toi|to)\s*", "-", plain)
    sides = [_CLOCK.fullmatch(side.strip()) for side in plain.split("-")]
    if len(sides) != 2 or None in sides:
        return None
    rule = "-".join(f"{int(s[1] or s[3]):02}:{s[2] or '00'}" for s in sides if s is not None)
    return rule if _is_rule(rule) else None


def _is_rule(text: str) -> bool:
    try:
        localtime.parse_quiet(text)
    except ValueError:
        return False
    return True


def quiet_set(rule: str, to: m.Destination, view: View) -> Effects:
    if rule == "off":
        return _set(to, Reply(view.say("quiet_cleared")), quiet=[])
    if not _is_rule(rule):
        return Effects("unknown", toast=view.label("gone_button"))
    # The weekend goes with hours of every day; two rules for the night would be one too many.
    kept = [q for q in to.quiet if (q == WEEKEND) != (rule == WEEKEND)]
    after = msgspec.structs.replace(to, quiet=[*kept, rule])
    return _set(to, Reply(view.say("quiet_set", now=_quiet(after, view))), quiet=after.quiet)


# --- mute -----------------------------------------------------------------------------------------------------


def mute(text: str, place: Place, to: m.Destination, view: View, now: float) -> Effects:
    """/mute: what and for how long; whatever is not said is asked."""
    found = _DURATION.search(text.strip().lower())
    what = text.strip()[: found.start()].strip() if found else text.strip()
    held = view.wishes_of(to.alias)
    if not held:
        return view.told("shown", "nothing_followed")
    meant = [s.match for s in wishes.candidates(what, view)] if what else []
    chosen = [key for key, wish in held.items() if wish.match in meant]
    if len(chosen) != 1:
        phrase = "not_followed" if what else "ask_mute"
        return view.told("asked", phrase, *_which(to, view), text=clean.shown(what, 60))
    if found is None:
        return how_long(chosen[0], view)
    return muted(chosen[0], min(LONGEST_MUTE, int(found[1]) * _unit(found[2])), place, to, view, now)


def _unit(word: str) -> int:
    plain = unaccented(word)
    return next(hours for start, hours in _HOURS.items() if plain.startswith(start))


def _which(to: m.Destination, view: View) -> list[list[Button]]:
    held = view.wishes_of(to.alias)
    return [[Button(wishes.short(wishes.named(w.match, view)), f"m:{_code(key)}")] for key, w in held.items()]


def _code(key: str) -> str:
    """A wish behind a button: the end of a reader's key, the whole of a file's if it fits, else a hash of it."""
    if is_own(key):
        return key.split("/", 2)[2]
    id_ = key.split("/", 1)[1]
    fits = id_.isascii() and len(id_) <= ID_BYTES
    return "=" + (id_ if fits else hashlib.sha256(id_.encode()).hexdigest()[:12])


def wish_behind(code: str, to: m.Destination, view: View) -> str:
    """The key of what a button names; '' when it is there no more."""
    return next((key for key in view.wishes_of(to.alias) if _code(key) == code), "")


def how_long(key: str, view: View) -> Effects:
    """Told with how much it would have hidden."""
    wish = view.wishes[key]
    buttons = [Button(view.label(word, n=n), f"M:{hours}:{_code(key)}") for word, n, hours in _OFFERED_HOURS]
    rows = (buttons[:3], buttons[3:])
    name = wishes.named(wish.match, view)
    return Effects(
        "asked",
        ask=Ask(
            wish.match,
            lambda found: view.told("asked", "ask_how_long", *rows, name=name, rate=wishes.rate(found, view)),
        ),
    )


def muted(key: str, hours_: int, place: Place, to: m.Destination, view: View, now: float) -> Effects:
    """Until then nothing of it comes; who wished it is kept under the name that only the bot can make."""
    wish, name = view.wishes[key], _code(key)
    until = ledger.when(now + hours_ * 3600)
    rule = m.Mute(
        id=f"{to.alias}/mute:{name}", match=wish.match, until=until, destination=to.alias,
        author=view.reader(place.person),
    )  # fmt: skip
    text = view.say("muted", name=wishes.named(wish.match, view), until=_moment(rule, to))
    rows = ((Button(view.label("unmute_button"), f"U:{name}"),),)
    return Effects(
        "muted", writes=(Write("subscriptions", BOT + rule.id, rule, rule.id),), reply=Reply(text, rows)
    )


def unmuted(name: str, to: m.Destination, view: View) -> Effects:
    key = f"{BOT}{to.alias}/mute:{name}"
    rule = view.wishes.get(key)
    if not isinstance(rule, m.Mute):
        return Effects("unknown", toast=view.label("gone_button"))
    text = view.say("unmuted", name=wishes.named(rule.match, view))
    return Effects("muted", writes=(Write("subscriptions", key, None, key.removeprefix(BOT)),), reply=Reply(text))


def muted_lines(to: m.Destination, view: View, now: float) -> list[Markup]:
    return [
        view.say("muted_line", name=wishes.named(rule.match, view), until=_moment(rule, to))
        for rule in view.mutes_of(to.alias, now).values()
        if not rule.task
    ]


def _moment(rule: m.Mute, to: m.Destination) -> str:
    return rendering.local_time(rule.until, to.timezone)
