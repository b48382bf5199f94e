"""An alert → the texts that people read. Pure: Vietnamese first, English by setting.

Every word of a feed enters through `clean.shown`; the only links are the item's own and those the operator
configured. Templates (`templates/*.j2`) lay out, they decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from services.alerter import clean, split
from services.alerter.digests import Entry
from tinsom.messages import Alert, Difference, Notice

WORDS: dict[str, dict[str, str]] = {
    "vi": {
        "initiatives": "Sáng kiến", "agencies": "Cơ quan", "places": "Địa phương", "documents": "Văn bản",
        "tasks": "Việc phải làm", "deadline": "hạn", "source": "Nguồn", "more_sources": "và {} nguồn khác",
        "maybe_twice": "Có thể trùng", "read": "Đọc bài gốc", "why": "Vì sao bạn nhận tin này",
        "new": "", "source_kind": "Thêm nguồn", "fact": "Cập nhật", "withdrawn": "Đã gỡ",
        "deadline_kind": "Nhắc hạn", "days_left": "còn {} ngày", "day_left": "còn 1 ngày",
        "due_today": "hạn là hôm nay", "overdue": "đã quá hạn", "burst": "Tin dồn dập", "silence": "Nguồn im lặng",
        "right": "Đúng", "irrelevant": "Không liên quan", "acknowledge": "Đã nắm",
        "untitled": "(không có tiêu đề)", "notice": "Thông báo", "digest": "Bản tin tổng hợp", "items": "tin",
        "backfill": "Tin trước khi bạn theo dõi",
        "unconfirmed": "Chưa chắc đã đến nơi (có thể trùng)", "with_deadline": "Có thời hạn", "others": "Tin khác",
        "official": "Văn bản chính thức", "deadline_fact": "hạn", "document_fact": "văn bản",
        "agency_fact": "cơ quan", "initiative_fact": "sáng kiến", "number_fact": "con số",
        "leave": "Ngừng nhận thư", "added": "thêm {}", "gone": "bỏ {}",
    },
    "en": {
        "initiatives": "Initiatives", "agencies": "Agencies", "places": "Places", "documents": "Documents",
        "tasks": "To do", "deadline": "due", "source": "Source", "more_sources": "and {} more sources",
        "maybe_twice": "Possibly a repeat", "read": "Read the original", "why": "Why you get this",
        "new": "", "source_kind": "Another source", "fact": "Update", "withdrawn": "Withdrawn",
        "deadline_kind": "Reminder", "days_left": "{} days left", "day_left": "1 day left",
        "due_today": "due today", "overdue": "overdue", "burst": "Burst of news", "silence": "Source is silent",
        "right": "Right", "irrelevant": "Not relevant", "acknowledge": "Got it",
        "untitled": "(no title)", "notice": "Notice", "digest": "Digest", "items": "items",
        "backfill": "News from before you followed",
        "unconfirmed": "Not sure to have arrived (maybe repeats)", "with_deadline": "With a deadline",
        "others": "Other news",
        "official": "Official text", "deadline_fact": "due", "document_fact": "document",
        "agency_fact": "agency", "initiative_fact": "initiative", "number_fact": "figure",
        "leave": "Stop these mails", "added": "{} added", "gone": "{} gone",
    },
}  # fmt: skip
_KIND_WORD = {"source": "source_kind", "enriched": "new", "deadline": "deadline_kind"}
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
TITLE, SHORT_LEDE, LONG_LEDE, LINE = 300, 600, 2_000, 400

_ENVIRONMENT = Environment(
    loader=PackageLoader("services.alerter"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",)),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a channel is asked to say. `repeat`: it may have arrived before; `plain`: no markup."""

    alert: Alert
    timezone: str
    language: str
    decided_at: datetime
    repeat: bool = False
    plain: bool = False
    reply_to: str = ""  # id of the message in which the story was told first
    edits: str = ""  # id of the message that is to say this from now on
    unsubscribe: str = ""  # where a reader of mail ends it
    thread: str = ""  # the story under which its reader was told first; its own when empty

    @property
    def ref(self) -> str:
        """What a person can name when two messages are alike."""
        return "#" + self.alert.id[:4]


@dataclass(frozen=True, slots=True)
class Digest:
    """Many alerts in one message; `entries` in the order in which they are read."""

    id: str
    destination: str
    entries: Sequence[Entry]
    timezone: str
    language: str
    decided_at: datetime
    plain: bool = False
    unsubscribe: str = ""
    backfill: bool = False  # of the time before a subscription


class Section(NamedTuple):
    """A heading of a digest and its items, ready for a template."""

    heading: str
    items: list[dict[str, Any]]


def telegram(letter: Letter) -> list[str]:
    """Messages for parse_mode HTML, or plain text when the letter says so."""
    html = _layout("telegram.html.j2", letter, SHORT_LEDE)
    if not letter.plain:
        return split.split(html)
    # Half the room: what was refused as too long must not be refused again.
    return [split.visible(part) for part in split.split(_untagged(html), limit=split.UNITS // 2)]


def buttons(letter: Letter) -> tuple[tuple[str, str], ...]:
    """Two buttons under an alert, a third under a reminder; what they send back fits in 64 bytes. None under a
    word of our own.
    """
    if not letter.alert.item:
        return ()
    words = WORDS[letter.language]
    judged = (
        (f"👍 {words['right']}", f"v:+:{letter.alert.id}"),
        (f"👎 {words['irrelevant']}", f"v:-:{letter.alert.id}"),
    )
    noted = ((f"✅ {words['acknowledge']}", f"a:+:{letter.alert.id}"),)
    return judged + (noted if letter.alert.task else ())


def telegram_digest(digest: Digest) -> list[str]:
    """As `telegram`: as many messages as it takes."""
    html = _squeezed(_ENVIRONMENT.get_template("digest.telegram.html.j2").render(digest_view(digest)))
    if not digest.plain:
        return split.split(html)
    return [split.visible(part) for part in split.split(_untagged(html), limit=split.UNITS // 2)]


def digest_text(digest: Digest) -> str:
    return _squeezed(_ENVIRONMENT.get_template("digest.txt.j2").render(digest_view(digest)))


def digest_html(digest: Digest) -> str:
    return _squeezed(_ENVIRONMENT.get_template("digest.html.j2").render(digest_view(digest)))


def digest_subject(digest: Digest) -> str:
    words = WORDS[digest.language]
    if digest.backfill:
        return f"{words['backfill']}: {_counted(digest, words)}"  # it is of no hour and comes once
    return f"{words['digest']} {local_time(digest.decided_at, digest.timezone)}: {_counted(digest, words)}"


def _counted(digest: Digest, words: Mapping[str, str]) -> str:
    return f"{len(digest.entries)} {words['items']}"


def digest_view(digest: Digest) -> dict[str, Any]:
    """Doubtful ones, then those with a deadline, then by subject, each under its heading."""
    words = WORDS[digest.language]
    sections: list[Section] = []
    for entry in digest.entries:
        heading = _heading(entry, words)
        if not sections or sections[-1].heading != heading:
            sections.append(Section(heading, []))
        sections[-1].items.append(_line(entry, digest, words))
    return {
        "w": words,
        "lang": digest.language,
        "title": digest_subject(digest),
        "sections": sections,
        "unsubscribe": digest.unsubscribe,
    }


def _heading(entry: Entry, words: Mapping[str, str]) -> str:
    notice = entry.alert.notice
    if entry.doubtful:
        return words["unconfirmed"]
    if any(task.deadline for task in notice.tasks):
        return words["with_deadline"]
    return clean.shown((notice.initiatives or notice.agencies or [words["others"]])[0], 100)


def _line(entry: Entry, digest: Digest, words: Mapping[str, str]) -> dict[str, Any]:
    notice = entry.alert.notice
    deadlines = sorted(local_date(task.deadline) for task in notice.tasks if task.deadline)
    facts = [clean.shown(notice.source, 60), local_time(notice.published_at or notice.fetched_at, digest.timezone)]
    facts += [words["more_sources"].format(notice.sources - 1)] if notice.sources > 1 else []
    facts += [f"{words['deadline']} {deadlines[0]}"] if deadlines and not entry.alert.differences else []
    facts += _differences(entry.alert, words)
    return {
        "title": clean.shown(notice.title, 200) or words["untitled"],
        "url": clean.link(notice.url),
        "kind": _kind(entry.alert, words, digest.decided_at, digest.timezone),
        "facts": " · ".join(facts),
        "ref": clean.inert("#" + entry.alert.id[:4]) if entry.doubtful else "",
    }


def _untagged(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)


def mail_text(letter: Letter) -> str:
    return _layout("mail.txt.j2", letter, LONG_LEDE)


def mail_html(letter: Letter) -> str:
    return _layout("mail.html.j2", letter, LONG_LEDE)


def terminal(letter: Letter) -> Mapping[str, Any]:
    """The same words, for a channel that lays out by itself."""
    return view(letter, SHORT_LEDE)


def subject(letter: Letter) -> str:
    """One line; the same for every change of a story, so that a mail reader keeps them in one thread."""
    return clean.one_line(letter.alert.notice.title, 160) or WORDS[letter.language]["untitled"]


def _layout(template: str, letter: Letter, lede: int) -> str:
    return _squeezed(_ENVIRONMENT.get_template(template).render(view(letter, lede)))


def _squeezed(text: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def view(letter: Letter, lede: int) -> dict[str, Any]:
    """Everything the templates show, already harmless."""
    alert, notice, words = letter.alert, letter.alert.notice, WORDS[letter.language]
    return {
        "w": words,
        "lang": letter.language,
        "mark": f"{words['maybe_twice']} {clean.inert(letter.ref)}" if letter.repeat else "",
        "kind": _kind(alert, words, letter.decided_at, letter.timezone),
        "title": clean.shown(notice.title, TITLE) or words["untitled"],
        "url": clean.link(notice.url),
        "lede": clean.shown(notice.lede, lede),
        "differences": [line[:1].upper() + line[1:] for line in _differences(alert, words)],
        "facts": _facts(notice, words),
        "tasks": [_task(t.who, t.action, t.deadline, words) for t in notice.tasks],
        "source": clean.shown(notice.source, 100),
        "more": words["more_sources"].format(notice.sources - 1) if notice.sources > 1 else "",
        "official": _official(notice),
        "time": local_time(notice.published_at or notice.fetched_at, letter.timezone),
        "why": clean.shown(alert.reason, 600),
        "unsubscribe": letter.unsubscribe,
    }


def _facts(notice: Notice, words: Mapping[str, str]) -> list[tuple[str, str]]:
    lines = (
        (words["initiatives"], notice.initiatives),
        (words["agencies"], notice.agencies),
        (words["places"], notice.places),
        (words["documents"], notice.documents),
    )
    return [(label, clean.shown(", ".join(values), LINE)) for label, values in lines if values]


def _official(notice: Notice) -> tuple[str, str] | None:
    """(who, address) of the official text, where the message tells of another one."""
    address = clean.link(notice.official_url)
    if not address or address == clean.link(notice.url):
        return None
    return clean.shown(notice.official_source, 100) or clean.inert(address), address


def _differences(alert: Alert, words: Mapping[str, str]) -> list[str]:
    """`hạn: 30/06/2026 → 15/07/2026`; what only came or only went is said so."""
    return [f"{words[d.field + '_fact']}: {_change(d, words)}" for d in alert.differences]


def _change(difference: Difference, words: Mapping[str, str]) -> str:
    before, after = _values(difference, difference.before), _values(difference, difference.after)
    if not before:
        return words["added"].format(after)
    return f"{before} → {after}" if after else words["gone"].format(before)


def _values(difference: Difference, values: Sequence[str]) -> str:
    dates = difference.field == "deadline"
    return clean.shown(", ".join(local_date(value) if dates else value for value in values), LINE)


def _kind(alert: Alert, words: Mapping[str, str], moment: datetime, timezone: str) -> str:
    """What happened, in a word or two; a reminder counts the days that its reader has left."""
    kind = words[_KIND_WORD.get(alert.kind, alert.kind)]
    deadlines = [task.deadline for task in alert.notice.tasks if task.deadline and _DATE.fullmatch(task.deadline)]
    if alert.kind != "deadline" or not deadlines:
        return kind
    days = (date.fromisoformat(min(deadlines)) - moment.astimezone(ZoneInfo(timezone)).date()).days
    special = {1: words["day_left"], 0: words["due_today"]}
    left = special.get(days) or (words["days_left"].format(days) if days > 0 else words["overdue"])
    return f"{kind}: {left}"


def _task(who: list[str], action: str, deadline: str | None, words: Mapping[str, str]) -> str:
    lead, what = clean.shown(", ".join(who), 200), clean.shown(action, LINE)
    due = f" ({words['deadline']} {local_date(deadline)})" if deadline else ""
    # "Bộ Tư pháp: Bộ Tư pháp chủ trì …" says it twice.
    return (f"{lead}: " if lead and not what.startswith(lead) else "") + what + due


def local_date(text: str) -> str:
    """`2023-06-30` as 30/06/2023; anything else as it stands, harmless."""
    match = _DATE.fullmatch(text)
    return "/".join(reversed(match.groups())) if match else clean.shown(text, 40)


def local_time(moment: datetime, timezone: str) -> str:
    """`14:05 25/11/2026` where the reader lives; a date alone when no time of day was known."""
    local = moment.astimezone(ZoneInfo(timezone))
    date_only = (local.hour, local.minute, local.second) == (0, 0, 0)
    return local.strftime("%d/%m/%Y" if date_only else "%H:%M %d/%m/%Y")
