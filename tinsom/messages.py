"""What travels on the topics: one struct per stage, `Source → Item → TaggedItem → StoryChange → Alert → Delivery`.

Rules (docs/decisions/0002): only optional fields may be added; a field is never renamed or reused. What a
stage passes on it passes on as the bytes it got (`msgspec.Raw`), so a field that a newer producer added
survives an older stage. Times inside values are RFC 3339; record timestamps are milliseconds.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from tinsom.items import (
    Attachment as Attachment,
)
from tinsom.items import (
    AttachmentOutcome as AttachmentOutcome,
)
from tinsom.items import (
    Change as Change,
)
from tinsom.items import (
    DateQuality as DateQuality,
)
from tinsom.items import (
    Document as Document,
)
from tinsom.items import (
    Event as Event,
)
from tinsom.items import (
    Evidence as Evidence,
)
from tinsom.items import (
    Indicator as Indicator,
)
from tinsom.items import (
    Item as Item,
)
from tinsom.items import (
    Message as Message,
)
from tinsom.items import (
    PageSelectors as PageSelectors,
)
from tinsom.items import (
    Place as Place,
)
from tinsom.items import (
    Role as Role,
)
from tinsom.items import (
    Selectors as Selectors,
)
from tinsom.items import (
    Source as Source,
)
from tinsom.items import (
    Tag as Tag,
)
from tinsom.items import (
    TaggedItem as TaggedItem,
)
from tinsom.items import (
    Tags as Tags,
)
from tinsom.items import (
    Task as Task,
)
from tinsom.items import (
    TaxonomyFile as TaxonomyFile,
)

Priority = Literal["urgent", "normal", "low"]
Channel = Literal["telegram", "email", "webhook", "terminal", "recording", "apprise"]


# --- stories ------------------------------------------------------------------------------------------------

StoryKind = Literal["new", "source", "fact", "enriched", "withdrawn", "deadline", "burst", "silence", "notice"]
"""What happened to a story; `notice` is the alerter's own word to an owner (a chat that takes nothing)."""


class Signal(Message, frozen=True, kw_only=True):
    """What a burst or a silence is about; neither is one item's news, so it is counted over a window."""

    about: str  # `initiative:de-an-06`, `agency:bo-cong-an`, `source:<source id>`
    name: str  # Vietnamese, or the source's own
    observed: int  # items in the window
    expected: float  # the usual number for that hour and weekday
    window: int  # seconds
    since: datetime  # of the first item of the burst, or of the silent source's last
    items: list[str] = []  # ids of the first items


Fact = Literal["deadline", "document", "agency", "initiative", "number"]


class Difference(Message, frozen=True, kw_only=True):
    """What an edit changed, as a person reads it; deadlines as dates."""

    field: Fact
    before: list[str] = []
    after: list[str] = []


class StoryChange(Message, frozen=True, kw_only=True):
    """What happened to a story; `revision` is the story's running number and part of every alert id."""

    story: str
    revision: int
    kind: StoryKind
    item: str  # id of the item that made the change
    tagged: msgspec.Raw  # its TaggedItem, byte for byte
    began_at: datetime  # when the story's first item was fetched
    sources: list[str] = []
    baseline: bool = False
    official: bool = False  # the story's first tier-1 source, after others
    merged: list[str] = []  # stories that turned out to be this one: who was told of them was told of it
    differences: list[Difference] = []  # of a `fact`, where the item's facts of before are known
    # Of a `burst` or `silence`: a story of its own, one for what it is about and day; `tagged` is its last item.
    signal: Signal | None = None
    task: str = ""  # of a reminder: its id, the same when the date moves


class Trace(Message, frozen=True, kw_only=True):
    """What is kept of an item so that later ones can be compared with it; hashes of words, no words."""

    at: datetime
    publisher: str
    title: bytes = b""  # 32-bit hashes of the title's words, little-endian, sorted
    words: bytes = b""  # of title and lede
    pairs: bytes = b""  # of neighbouring words in title and lede
    body: bytes = b""  # the smallest hashes of the text's runs of three words
    numbers: list[str] = []  # figures of the title
    figures: list[str] = []  # the same, each with the word before and the word behind
    documents: list[str] = []  # keys of those that title or lede name
    places: list[str] = []
    sessions: list[str] = []
    asks: bool = False  # the title is a question
    baseline: bool = False  # as the item: it counts in no rate


class Story(Message, frozen=True, kw_only=True):
    """The story step's own state, one record per story."""

    id: str
    revision: int
    began_at: datetime
    items: dict[str, int] = {}  # item id → its last revision
    sources: list[str] = []  # one of each publisher
    baseline: bool = False
    facts: str = ""  # hash of what makes an edit material, as of the first item's last change
    item_facts: dict[str, str] = {}  # the same of every other item
    publishers: list[str] = []
    tier: int = 0  # the best of its sources; 0 where it was never recorded
    traces: dict[str, Trace] = {}  # of the first items, while the story can still be joined
    details: dict[str, list[str]] = {}  # of the same items: the facts that `facts` hashes, `field:id=name`
    merged: list[str] = []
    merged_into: str = ""  # this story is another one: nothing happens to it any more
    signal: Signal | None = None  # the story is a burst or a silence
    rising: bool = False  # of a burst: it is not over yet


class Reminder(Message, frozen=True, kw_only=True):
    """A deadline that comes back; state of the story step, ended by a tombstone."""

    id: str
    story: str
    item: str  # that named the deadline last
    tier: int
    task: Task
    due: list[datetime]  # when it is still to be told, soonest first
    tagged: msgspec.Raw  # a TaggedItem without text, with this task alone


# --- what can be followed ---------------------------------------------------------------------------------------


class Name(Message, frozen=True, kw_only=True):
    """What an initiative, agency or place is called, for stages that talk to people and have no taxonomy."""

    id: str
    kind: Literal["initiative", "agency", "place"]
    name: str
    name_en: str = ""
    spellings: list[str] = []  # other ways to write it, shortest first
    parents: list[str] = []  # whoever follows one of these gets this too
    now: list[str] = []  # of what has ended: what took its place
    place: int = 0  # in the taxonomy's order


# --- who wants what, where ----------------------------------------------------------------------------------


class Match(Message, frozen=True, kw_only=True):
    """What a subscription asks for. Empty lists ask for nothing; lists are alternatives, fields add up.

    `role`, `min_score` and `tier` only narrow what the others ask for.
    """

    initiatives: list[str] = []
    agencies: list[str] = []
    places: list[str] = []
    documents: list[str] = []
    keywords: list[str] = []
    role: Literal["primary", "any"] = "primary"
    sources: list[str] = []  # ids of feeds
    events: list[str] = []  # `session`, … as in the tags
    deadline_days: int = 0  # something is due within so many days
    signals: list[Literal["burst", "silence"]] = []  # these, about what else is asked for, and no single items
    min_score: float = 0.0  # of the initiatives and agencies asked for
    tier: int = 0  # sources of at most this tier: 1 official, 2 press too; 0: any


class Subscription(Message, frozen=True, kw_only=True):
    id: str
    destination: str  # alias
    match: Match
    priority: Priority = "normal"
    since: datetime | None = None  # a story that began before is not new to this reader
    backfill: int = 0  # but so many of the newest of these are told once, as one digest, when it is new


Rhythm = Literal["hourly", "daily", "weekly"]


class Mute(Message, frozen=True, kw_only=True):
    """Nothing that meets `match` is told to `destination` (or anybody, when empty) before `until`."""

    id: str
    match: Match
    until: datetime
    destination: str = ""
    author: str = ""
    task: str = (
        ""  # of an acknowledged reminder: nothing but this task is meant, and only for its deadline of then
    )
    deadline: str = ""


class Destination(Message, frozen=True, kw_only=True):
    """A chat or mailbox, known by an alias. The address is personal data: never a label, never in a log line."""

    alias: str
    channel: Channel
    address: str = ""
    thread: int | None = None  # forum topic
    timezone: str = "Asia/Ho_Chi_Minh"
    state: Literal["active", "suspended", "paused"] = "active"
    reason: str = ""
    digest: Rhythm = "daily"
    digest_at: str = "07:30"  # local; a weekly one comes on Monday
    quiet: list[str] = []  # `22:00-06:30`, `sat,sun 00:00-24:00`: local; ends in one digest
    breakthrough: bool = True  # urgent alerts come in quiet hours too
    budget: int = 0  # messages in an hour, urgent ones not counted; the rest goes to a digest; 0: no limit
    owner: str = ""  # alias of the destination that hears when this one takes nothing any more
    configured: str = ""  # in a `bot/` record: the address in the file it speaks of; a new one starts afresh
    gathered: bool = False  # everything but urgent alerts waits for the digest
    chosen: list[str] = []  # in a `bot/` record: settings that its readers chose, which hold over the file's


# --- alerts and deliveries ----------------------------------------------------------------------------------


class TaskLine(Message, frozen=True, kw_only=True):
    who: list[str]
    action: str
    deadline: str | None = None


class Notice(Message, frozen=True, kw_only=True):
    """What a person reads; names are already in the reader's language."""

    title: str
    url: str
    source: str
    fetched_at: datetime
    published_at: datetime | None = None
    lede: str = ""
    initiatives: list[str] = []
    agencies: list[str] = []
    tasks: list[TaskLine] = []
    places: list[str] = []
    documents: list[str] = []
    sources: int = 1  # how many sources carry the story
    official_url: str = ""  # where the first official source has it, after others
    official_source: str = ""


class Alert(Message, frozen=True, kw_only=True):
    """The decision to tell one destination about one change of a story."""

    id: str
    destination: str
    story: str
    revision: int
    kind: StoryKind
    item: str
    subscriptions: list[str]
    reason: str
    notice: Notice
    priority: Priority = "normal"
    began_at: datetime | None = None
    matched: list[str] = []  # what matched, for machines: `initiative:de-an-06`
    merged: list[str] = []  # as in the StoryChange: who was told of these was told of it
    differences: list[Difference] = []  # as in the StoryChange
    signal: Signal | None = None  # as in the StoryChange
    task: str = ""  # of a reminder, as in the StoryChange


class Suppression(Message, frozen=True, kw_only=True):
    """Matched but not sent, and why; on the same topic as the alerts, so that `why` reads one place."""

    id: str
    destination: str
    story: str
    revision: int
    kind: StoryKind
    item: str
    subscriptions: list[str]
    reason: str
    matched: list[str] = []


DeliveryState = Literal["pending", "sending", "sent", "failed", "ambiguous", "digested", "suppressed", "expired"]


class Step(Message, frozen=True, kw_only=True):
    """One line of a delivery's history."""

    at: datetime
    state: DeliveryState
    reason: str = ""
    part: int = 1
    attempt: int = 0
    message_id: str = ""


class Delivery(Message, frozen=True, kw_only=True):
    """What became of an alert; the history is kept to the end. `alert` is whole while the delivery is open, and
    after it where the message can be edited: it then says what the message says.
    """

    alert_id: str
    destination: str
    state: DeliveryState
    history: list[Step]
    alert: Alert | None = None
    not_after: datetime | None = None  # of the attempt in flight
    message_ids: list[str] = []
    story: str = ""
    revision: int = 0
    not_before: datetime | None = None  # a pending one is not tried earlier
    lane: Literal["now", "digest"] = "now"
    digest: list[str] = []  # a digest: its frozen list of alert ids
    backfills: list[str] = []  # a digest of the time before these subscriptions: the id of each and its `since`
    edits: str = ""  # an edit: id of the alert whose message it changes; `alert` is what that shall say
    item: str = ""
    matched: list[str] = []  # as in the alert, kept when the alert is not: a verdict speaks of it
    task: str = ""  # of a reminder: the task's id and its deadline, for whoever acknowledges it


class Verdict(Message, frozen=True, kw_only=True):
    """What one reader thinks of one alert; the newest counts. `reader` is a keyed hash, not an account."""

    reader: str
    alert: str
    verdict: Literal["right", "irrelevant"]
    item: str
    matched: list[str]
    at: datetime


class Version(Message, frozen=True, kw_only=True):
    """The record that `tinsom apply` writes last into a table: nothing is handled before it was seen."""

    version: str
    entries: int
