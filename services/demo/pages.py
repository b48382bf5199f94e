"""Article pages as papers make them: menu, teasers of other news, poll and footer around the text. Pure.

The teasers are there to be cut away: they name programmes and provinces that the article does not.
"""

from __future__ import annotations

from html import escape

from services.demo.damage import damaged
from services.demo.documents import SAMPLE, page_path, stamp
from services.demo.edition import Article, Edition

_MENU = ("Trang chủ", "Thời sự", "Kinh tế", "Pháp luật", "Chuyển đổi số", "Giáo dục", "Y tế", "Thể thao")


def page(edition: Edition, article: Article, now: float, base: str) -> str:
    """The whole HTML page of an article at `now`."""
    version = article.version(now)
    title = escape(damaged(version.title, article.damage, title=True))
    lede = escape(damaged(version.lede, article.damage))
    name = escape(edition.publishers[article.publisher].name)
    return (
        f'<!DOCTYPE html>\n<html lang="vi"><head><meta charset="utf-8"><title>{title} | {name}</title>'
        f'<meta name="description" content="{lede}"><meta property="og:title" content="{title}">'
        f'<meta property="article:published_time" content="{stamp(article.at, "iso")}">'
        f'<link rel="canonical" href="{base}{page_path(article)}"></head>\n<body>{_menu(base, article)}\n'
        f"<main><article><h1>{title}</h1>\n"
        f'<p class="meta">Cập nhật ngày: {stamp(version.at, "local")}</p>\n'
        f'<p class="sapo"><strong>{lede}</strong></p>\n{_body(edition, article, now)}</article></main>\n'
        f"{_related(edition, article, now, base)}{_footer(name)}</body></html>\n"
    )


def _body(edition: Edition, article: Article, now: float) -> str:
    paragraphs = [escape(damaged(p, article.damage), quote=False) for p in article.version(now).body]
    if article.credit:
        paragraphs.append(f"Theo {escape(edition.publishers[article.credit].name)}")
    return "".join(f"<p>{paragraph}</p>\n" for paragraph in paragraphs)


def _menu(base: str, article: Article) -> str:
    links = "".join(f'<li><a href="{base}/{article.publisher}/">{name}</a></li>' for name in _MENU)
    return f'<header><nav class="menu"><ul>{links}</ul></nav></header>'


def _related(edition: Edition, article: Article, now: float, base: str) -> str:
    others = [
        a for a in edition.articles if a.publisher == article.publisher and a.id != article.id and a.at <= now
    ]
    links = "".join(
        f'<li><a href="{base}{page_path(other)}">{escape(other.version(now).title)}</a></li>'
        for other in others[-6:]
    )
    return f'<aside class="related"><h3>Tin liên quan</h3><ul>{links}</ul></aside>\n'


def _footer(name: str) -> str:
    return (
        f'<footer class="footer"><p>{SAMPLE}.</p><p>{name}. Lượt xem: 3.412. Đang trực tuyến: 57.</p>'
        "<p>Bạn đánh giá thế nào về chất lượng của cổng thông tin?</p></footer>"
    )


def front(edition: Edition, publisher: str) -> str:
    """The publisher's front page: nothing but its name."""
    name = escape(edition.publishers[publisher].name)
    head = f'<html lang="vi"><head><meta charset="utf-8"><title>{name}</title></head>'
    return f"<!DOCTYPE html>\n{head}<body><p>{SAMPLE}.</p></body></html>\n"


__all__ = ["front", "page"]
