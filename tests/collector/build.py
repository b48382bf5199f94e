"""Feeds and sources for tests, written here; no sentence of anybody's article."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from html import escape
from typing import Any

from services.collector.reading.entry import Entry
from tinsom.messages import Source

NOW = datetime(2026, 3, 10, 3, 0, tzinfo=UTC).timestamp()


@dataclass(frozen=True)
class Post:
    number: int
    title: str = ""
    lede: str = ""
    link: str = ""
    guid: str = ""
    date: str = ""

    @property
    def full(self) -> Post:
        n = self.number
        return replace(
            self,
            title=self.title or f"Tin số {n}: bộ, ngành công bố kế hoạch thứ {n}",
            lede=self.lede or f"Tóm tắt của tin số {n}.",
            link=self.link or f"https://bao.example/tin-so-{n}-{100000 + n}.htm",
            guid=self.guid or f"https://bao.example/?p={n}",
            date=self.date or f"Tue, 10 Mar 2026 08:{n % 60:02d}:00 +0700",
        )


def posts(*numbers: int) -> list[Post]:
    return [Post(n) for n in numbers]


def rss(posts: Sequence[Post], title: str = "Báo thử nghiệm") -> bytes:
    """An RSS 2.0 document, in the order given."""
    items = "".join(_rss_item(p.full) for p in posts)
    head = f"<title>{escape(title)}</title><link>https://bao.example/</link>"
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()
    )


def _rss_item(p: Post) -> str:
    return (
        f"<item><title>{escape(p.title)}</title><link>{escape(p.link)}</link>"
        f'<guid isPermaLink="false">{escape(p.guid)}</guid><description>{escape(p.lede)}</description>'
        f"<pubDate>{escape(p.date)}</pubDate></item>"
    )


def entry(post: Post | int, position: int = 0) -> Entry:
    p = (Post(post) if isinstance(post, int) else post).full
    return Entry(p.guid, p.link, p.title, p.lede, "", "", p.date, position)


def entries(*posts: Post | int) -> list[Entry]:
    return [entry(p, i) for i, p in enumerate(posts)]


def source(id_: str = "bao-home", publisher: str = "bao.example", url: str = "", **more: Any) -> Source:
    return Source(id=id_, publisher=publisher, url=url or f"https://bao.example/{id_}.rss", **more)
