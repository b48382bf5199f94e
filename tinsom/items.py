"""The first half of the messages: what is watched, what is published, what is found in it.

Imported from `tinsom.messages`, where the rules stand, by everybody else.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Role = Literal["primary", "mentioned"]


class Message(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Base of all messages: immutable, keyword-only, defaults left out of the bytes."""


# --- sources and items ----------------------------------------------------------------------------------


class Selectors(Message, frozen=True, kw_only=True):
    """CSS selectors of a listing page: `entry` within the page, the others within an entry."""

    entry: str
    link: str = ""  # the entry itself, or its first link, when empty
    title: str = ""  # the link's text when empty
    date: str = ""
    lede: str = ""


class PageSelectors(Message, frozen=True, kw_only=True):
    """CSS selectors of a source's article pages; what they do not name, the page says of itself."""

    body: str
    title: str = ""
    lead: str = ""
    date: str = ""
    without: str = ""  # parts of the body that are other articles' or captions
    files: str = ""  # where attachments are linked; in the body when empty


class Source(Message, frozen=True, kw_only=True):
    """A feed, sitemap or listing page that is watched. `publisher` is fixed when the source is added."""

    id: str
    publisher: str
    url: str
    name: str = ""
    kind: str = "feed"
    tier: int = 2  # 1 official, 2 press, 3 other
    timezone: str = "Asia/Ho_Chi_Minh"
    month_first: bool | None = None  # 10/2/2026 is 2 October here; None: nothing is known
    interval: float = 300.0  # seconds between polls
    full_text: bool = True  # fetch the article page of each new entry
    enabled: bool = True
    selectors: Selectors | None = None  # of a listing page
    page: PageSelectors | None = None  # of its article pages
    tls: str = "verify"  # or `unverified`: its host may show any certificate
    ca: str = ""  # PEM: certificates that its host may show besides those of the system's authorities


DateQuality = Literal["exact", "date_only", "inferred", "missing", "future"]
Change = Literal["new", "revised", "enriched", "withdrawn"]


AttachmentOutcome = Literal[
    "ok",
    "scanned",  # pictures of pages: no text to read
    "encrypted",
    "empty",
    "broken",
    "too_big",  # in bytes, or once it is unpacked
    "too_slow",
    "other_format",  # neither PDF nor DOCX, whatever its name says
    "unreached",
    "forbidden",  # by robots.txt
]


class Attachment(Message, frozen=True, kw_only=True):
    """A PDF or DOCX of an announcement; what could be read of it stands in the item's text under its name."""

    url: str
    kind: str = ""  # `pdf`, `docx`
    outcome: AttachmentOutcome = "ok"
    pages: int = 0
    cut: bool = False  # only its first pages or signs were read


class Item(Message, frozen=True, kw_only=True):
    """An entry with identity, text and times. One event per (id, revision)."""

    id: str
    publisher: str
    source: str
    url: str
    title: str
    fetched_at: datetime
    revision: int = 1
    change: Change = "new"
    baseline: bool = False  # seen at the first poll of its feed: never news
    source_name: str = ""
    tier: int = 2
    lede: str = ""
    text: str = ""
    author: str = ""
    language: str = ""
    published_at: datetime | None = None
    published_raw: str = ""
    date_quality: DateQuality = "missing"
    changed: list[str] = []  # which of title, lede, text, attachments a revision changed
    text_cut: bool = False  # the text was longer than the topic takes
    attachments: list[Attachment] = []


# --- tags (the contract of `tinsom tag`, docs/messages.md) ---------------------------------------------------


class Evidence(Message, frozen=True, kw_only=True, gc=False):
    """`[start, end)` in code points of the item's `field`, and the rule that matched there."""

    field: Literal["title", "lede", "text"]
    start: int
    end: int
    rule: str


class Tag(Message, frozen=True, kw_only=True, omit_defaults=False):
    """An initiative or agency on an item. `via` names the child a derived parent came from.

    A theme, a user's own rule, travels among the initiatives; its id begins with `theme-`.
    """

    id: str
    role: Role
    score: float
    evidence: list[Evidence]
    via: str | msgspec.UnsetType = msgspec.UNSET
    successors: list[str] | msgspec.UnsetType = msgspec.UNSET
    # Vietnamese name, so that a later stage can write to people without the taxonomy; not in `tinsom tag`.
    name: str | msgspec.UnsetType = msgspec.UNSET


class Document(Message, frozen=True, kw_only=True, omit_defaults=False):
    key: str
    kind: str | None
    number: str
    issuer: str | None
    year: int | None
    date: str | None
    raw: str
    initiative: str | None = None


class Place(Message, frozen=True, kw_only=True, omit_defaults=False):
    id: str
    role: Role
    name: str | msgspec.UnsetType = msgspec.UNSET  # as in Tag


class Event(Message, frozen=True, kw_only=True, omit_defaults=False):
    type: str
    body: str | None = None
    number: int | None = None
    date: str | None = None


class Task(Message, frozen=True, kw_only=True, omit_defaults=False):
    """Who is to do what by when. `hedge` is the word that stands for a date or softens one: khẩn trương, sớm."""

    lead: list[str]
    co: list[str]
    action: str
    deadline: str | None
    precision: str | None
    raw: str
    hedge: str | msgspec.UnsetType = msgspec.UNSET


class Indicator(Message, frozen=True, kw_only=True, omit_defaults=False):
    """A printed number. `of`: the whole in 21/84 nền tảng; `to`: where the range 8,3-8,5% ends."""

    name: str
    value: float
    unit: str
    raw: str
    of: float | msgspec.UnsetType = msgspec.UNSET
    to: float | msgspec.UnsetType = msgspec.UNSET


class Tags(Message, frozen=True, kw_only=True, omit_defaults=False):
    """All that was found in one item; field for field what `tinsom tag` prints."""

    id: str
    initiatives: list[Tag] = []
    agencies: list[Tag] = []
    documents: list[Document] = []
    places: list[Place] = []
    events: list[Event] = []
    tasks: list[Task] = []
    indicators: list[Indicator] = []
    taxonomy: str = ""


class TaxonomyFile(Message, frozen=True, kw_only=True):
    """A user's own taxonomy file, as `tinsom apply` found it in the folder that `taxonomy:` names."""

    name: str
    text: str


class TaggedItem(Message, frozen=True, kw_only=True):
    item: msgspec.Raw  # an Item, byte for byte as it was read
    tags: Tags
