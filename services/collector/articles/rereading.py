"""Pages that are looked at again: which, when, and what a look at one means. Pure.

A page that did not come is tried again for some hours. Pages of official publishers are read again three times
in a week; what they show otherwise counts when a second look sees the very same.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

import msgspec

from services.collector.articles import comparing
from services.collector.articles.attachments import Attached, own_text
from services.collector.articles.page import Page, PageLook, PageOutcome, files_of
from services.collector.known import PageState
from services.collector.reading.entry import Entry
from tinsom.errors import DecodeError
from tinsom.messages import Item, Source

Outcome = Literal[
    "same",
    "doubt",  # something else than before; the next look will tell
    "another_page",  # too few words in common: a soft 404, the front page
    "failed",  # no page: a fault of the moment, or none of ours to judge
    "given_up",  # a page that never came
    "enriched",
    "revised",
    "withdrawn",
    "left_out",  # no room to remember it
    "too_late",  # nobody found the time within its week
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

HOUR, DAY = 3_600.0, 86_400.0
LOOKS = (HOUR, DAY, 7 * DAY)  # after the item went out
RETRIES = (60.0, 300.0, 1_200.0, HOUR, 3 * HOUR)
CONFIRM_AFTER, MOST_DOUBTS = 600.0, 3
LAST_LOOK = LOOKS[-1] + DAY
OFFICIAL = 1
# For one publisher: records, looks in an hour, and looks after one poll.
MOST, BUDGET, AT_ONCE = 500, 60, 4
TEXT_KEPT = 20_000
_GONE = "gone"
_NO_ENTRY = Entry()
_CAME: frozenset[PageOutcome] = frozenset(("ok", "layout"))
_WITHDRAWN: frozenset[PageOutcome] = frozenset(("missing", "gone"))
# What may be otherwise in an hour. A page that forbids, challenges or has no text stays as it is.
_PASSING: frozenset[PageOutcome] = frozenset(
    ("timeout", "connection", "dns", "tls", "http_5xx", "rate_limited", "missing", "empty", "odd_status")
)


class Finding(NamedTuple):
    """What one look at a page means. Without a `state` it is not looked at any more."""

    outcome: Outcome
    state: PageState | None = None
    fields: tuple[str, ...] = ()
    page: Page | None = None


# --- what is looked at again ------------------------------------------------------------------------------------


def watched(
    item: Item, look: PageLook, source: Source, now: float, before: PageState | None, entry: Entry = _NO_ENTRY
) -> PageState | None:
    """The record of a page whose item goes out now, if it is worth another look."""
    state = PageState(
        item=item.id,
        publisher=item.publisher,
        source=source.id,
        out_at=before.out_at if before is not None else now,
        guessed=entry.guessed,
        files=list(entry.files),
        packed=packed(item),
    )
    if look.outcome in _CAME and look.page is not None:
        official = source.tier == OFFICIAL and (before is not None or item.revision == 1)
        return _later(_read(state, look.page), now) if official else None
    return _tried(state, now) if look.outcome in _PASSING and not item.baseline else None


def packed(item: Item) -> bytes:
    return zlib.compress(msgspec.json.encode(msgspec.structs.replace(item, text=item.text[:TEXT_KEPT])))


def item_in(state: PageState) -> Item:
    """The item as it went out last, its text cut; raises DecodeError."""
    try:
        return msgspec.json.decode(zlib.decompress(state.packed), type=Item)
    except (zlib.error, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DecodeError("schema", str(error)) from error


def repacked(state: PageState, item: Item) -> PageState:
    return msgspec.structs.replace(state, packed=packed(item))


def page_in(state: PageState) -> Page:
    """What the page and its attachments said when they were read last."""
    item = item_in(state)
    attached = tuple(Attached(one) for one in item.attachments)
    return Page(title=state.title, text=item.text, author=item.author, language=item.language, attached=attached)


def wants_attachments(state: PageState, tier: int) -> bool:
    """Only where this look may make a revision, which must carry them."""
    return tier == OFFICIAL and (not state.came or state.doubt not in ("", _GONE))


def due(states: Iterable[PageState], source: str, now: float, room: int) -> list[PageState]:
    """What to look at now, at most `room`: news before looks at what is known."""
    ripe = [state for state in states if state.source == source and state.next_at <= now]
    return sorted(ripe, key=lambda state: (state.came, state.next_at, state.item))[: max(0, room)]


def too_late(state: PageState, now: float) -> bool:
    return now - state.out_at > LAST_LOOK


# --- what a look means ------------------------------------------------------------------------------------------


def judge(state: PageState, look: PageLook, tier: int, now: float) -> Finding:
    """What `look` at a remembered page means."""
    page = look.page if look.outcome in _CAME else None
    if not state.came:
        return _first_sight(state, look, page, tier, now)
    if look.outcome in _WITHDRAWN:
        return Finding("withdrawn") if state.doubt == _GONE else _doubted(state, _GONE, now)
    if page is None:
        return _failed(state, look, now)
    return _compared(state, page, now)


def _first_sight(state: PageState, look: PageLook, page: Page | None, tier: int, now: float) -> Finding:
    if page is not None:
        return Finding("enriched", _later(_read(state, page), now) if tier == OFFICIAL else None, ("text",), page)
    again = _tried(state, now) if look.outcome in _PASSING else None
    return Finding("failed" if again else "given_up", again)


def _failed(state: PageState, look: PageLook, now: float) -> Finding:
    """No page is no change; one that may come soon is waited for a little, so that no look is lost."""
    again = _tried(state, now) if look.outcome in _PASSING else None
    return Finding("failed", again or _later(state, now))


def _compared(state: PageState, page: Page, now: float) -> Finding:
    before = item_in(state)
    text = own_text(before.text)
    if not comparing.same_article(state.title, text, page):
        return Finding("another_page", _later(state, now))
    fields = comparing.differences(state.title, text, page, TEXT_KEPT)
    if [one.url for one in before.attachments][int(page.itself) :] != list(files_of(page, state.files)):
        fields += ("attachments",)
    if not fields:
        return Finding("same", _later(state, now))
    seen = comparing.fingerprint(page)
    if state.doubt != seen:
        return _doubted(state, seen, now)
    return Finding("revised", _later(_read(state, page), now), fields, page)


def _doubted(state: PageState, doubt: str, now: float) -> Finding:
    """Another look will tell; a page that shows something else every time is left alone until its next one."""
    if state.tries >= MOST_DOUBTS:
        return Finding("doubt", _later(state, now))
    again = msgspec.structs.replace(state, doubt=doubt, tries=state.tries + 1, next_at=now + CONFIRM_AFTER)
    return Finding("doubt", again)


def _read(state: PageState, page: Page) -> PageState:
    return msgspec.structs.replace(state, came=True, title=page.title)


def _tried(state: PageState, now: float) -> PageState | None:
    """To be tried once more, unless it was often enough."""
    if state.tries >= len(RETRIES):
        return None
    return msgspec.structs.replace(state, tries=state.tries + 1, next_at=now + RETRIES[state.tries])


def _later(state: PageState, now: float) -> PageState | None:
    """To be read again at the next of its looks; those that were missed are not made up for."""
    ahead = [state.out_at + look for look in LOOKS if state.out_at + look > now]
    return msgspec.structs.replace(state, doubt="", tries=0, next_at=ahead[0]) if ahead else None
