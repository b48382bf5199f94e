"""Feed documents in the three forms, with each feed's habits. Pure: edition and moment in, text out."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape as _escape

from services.demo.damage import damaged
from services.demo.edition import ZONE, Article, Edition, Feed

SAMPLE = "Tin mẫu viết cho bản chạy thử của tinsom, không phải tin thật"

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def feed_path(feed: Feed) -> str:
    return f"/{feed.publisher}/rss/{feed.id}.xml"


def page_path(article: Article) -> str:
    return f"/{article.publisher}/tin/{article.id}.html"


def document(edition: Edition, feed: Feed, now: float, base: str) -> str:
    """The feed as it stands at `now`; `base` is the site's address without a final slash."""
    forms = {"rss": _rss, "atom": _atom, "rdf": _rdf}
    return forms[feed.form](edition, feed, now, base)


def stamp(at: float, manner: str) -> str:
    """A date as this kind of feed writes it. `local` has no zone and `gmt7` one that few parsers know."""
    local = datetime.fromtimestamp(at, ZONE)
    if manner == "gmt7":
        return f"{_DAYS[local.weekday()]}, {local:%d %b %Y %H:%M:%S} GMT+7"
    if manner == "local":
        return f"{local:%d/%m/%Y %H:%M}"
    return local.isoformat() if manner == "iso" else format_datetime(local)


def http_date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(at), UTC), usegmt=True)


def guid(feed: Feed, article: Article, renumbered: bool, base: str) -> str:
    if feed.guid == "permalink":
        return base + page_path(article)
    number = zlib.crc32(f"{article.publisher}/{article.id}".encode())
    return f"{'n' if renumbered else ''}{number}"


def _rss(edition: Edition, feed: Feed, now: float, base: str) -> str:
    items = "".join(_rss_item(edition, feed, article, now, base) for article in edition.shown(feed.id, now))
    built = now if feed.stamps_now else edition.changed_at(feed.id, now)
    title = f"{_name(edition, feed)} - {feed.title}"
    title = title.replace(",", " &") + "&nbsp;" if feed.raw_entities else _escape(title)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>\n'
        f"<title>{title}</title><link>{base}/{feed.publisher}/</link>"
        f"<description>{SAMPLE}</description><language>vi</language>"
        f"<lastBuildDate>{stamp(built, 'rfc')}</lastBuildDate>\n{items}</channel></rss>\n"
    )


def _rss_item(edition: Edition, feed: Feed, article: Article, now: float, base: str) -> str:
    version = article.version(now)
    link = base + page_path(article)
    parts = [
        f"<title>{_escape(damaged(version.title, article.damage, title=True), quote=False)}</title>",
        f"<link>{link}</link>",
        f"<description>{_description(feed, link, damaged(version.lede, article.damage))}</description>",
        f"<pubDate>{stamp(article.at, feed.dates)}</pubDate>",
    ]
    if feed.guid != "none":
        renumbered = now >= edition.renumbered.get(feed.id, float("inf"))
        permalink = "true" if feed.guid == "permalink" else "false"
        parts.append(f'<guid isPermaLink="{permalink}">{guid(feed, article, renumbered, base)}</guid>')
    if feed.full:
        text = "".join(f"<p>{_escape(p, quote=False)}</p>" for p in (version.lede, *version.body))
        parts.append(f"<content:encoded><![CDATA[{text}]]></content:encoded>")
    return f"<item>{''.join(parts)}</item>\n"


def _description(feed: Feed, link: str, lede: str) -> str:
    if feed.html:
        return f'<![CDATA[<a href="{link}"><img src="{link}.jpg" alt=""/></a><br/>{_escape(lede, quote=False)}]]>'
    return _escape(lede, quote=False) + ("&nbsp;" if feed.raw_entities else "")


def _atom(edition: Edition, feed: Feed, now: float, base: str) -> str:
    entries = "".join(_atom_entry(feed, article, now, base) for article in edition.shown(feed.id, now))
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="vi">\n'
        f"<id>{base}{feed_path(feed)}</id><title>{_escape(_name(edition, feed))} - {_escape(feed.title)}</title>"
        f'<subtitle>{SAMPLE}</subtitle><link rel="self" href="{base}{feed_path(feed)}"/>'
        f"<updated>{stamp(edition.changed_at(feed.id, now), 'iso')}</updated>\n{entries}</feed>\n"
    )


def _atom_entry(feed: Feed, article: Article, now: float, base: str) -> str:
    version = article.version(now)
    summary = _escape(f"<p>{_escape(version.lede, quote=False)}</p>")
    return (
        f"<entry><id>urn:mau:{article.publisher}:{guid(feed, article, False, base)}</id>"
        f'<title type="text">{_escape(version.title, quote=False)}</title>'
        f'<link rel="alternate" type="text/html" href="{base}{page_path(article)}"/>'
        f"<published>{stamp(article.at, feed.dates)}</published><updated>{stamp(version.at, feed.dates)}</updated>"
        f'<summary type="html">{summary}</summary></entry>\n'
    )


def _rdf(edition: Edition, feed: Feed, now: float, base: str) -> str:
    shown = edition.shown(feed.id, now)
    listed = "".join(f'<rdf:li rdf:resource="{base}{page_path(article)}"/>' for article in shown)
    items = "".join(_rdf_item(feed, article, now, base) for article in shown)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rdf:RDF xmlns="http://purl.org/rss/1.0/"'
        ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f'<channel rdf:about="{base}{feed_path(feed)}"><title>{_escape(_name(edition, feed))}</title>'
        f"<link>{base}/{feed.publisher}/</link><description>{SAMPLE}</description>"
        f"<items><rdf:Seq>{listed}</rdf:Seq></items></channel>\n{items}</rdf:RDF>\n"
    )


def _rdf_item(feed: Feed, article: Article, now: float, base: str) -> str:
    version = article.version(now)
    return (
        f'<item rdf:about="{guid(feed, article, False, base)}">'
        f"<title>{_escape(version.title, quote=False)}</title><link>{base}{page_path(article)}</link>"
        f"<description>{_escape(version.lede, quote=False)}</description>"
        f"<dc:date>{stamp(article.at, feed.dates)}</dc:date></item>\n"
    )


def _name(edition: Edition, feed: Feed) -> str:
    return edition.publishers[feed.publisher].name


__all__ = ["SAMPLE", "document", "feed_path", "guid", "http_date", "page_path", "stamp"]
