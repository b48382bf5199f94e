"""Is a page still the same article, and what of it reads otherwise than before? Pure."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

from services.collector.articles.page import Page, files_of
from services.collector.identity import folded

# Below these shares of common words it is another page; a title that stayed vouches for a text that did not.
_SAME_TEXT, _SAME_WITH_TITLE, _SAME_TITLE = 0.5, 0.3, 0.5
# What changes by itself: counters, and times that grow older.
_VOLATILE = re.compile(
    r"lượt (?:xem|truy cập|đọc|thích|chia sẻ)|đang (?:trực tuyến|truy cập|online)|\bviews?\b|bình luận"
    r"|\d+ (?:giây|phút|giờ|ngày|tuần|tháng) trước|vừa xong|hôm nay là|bây giờ là",
    re.IGNORECASE,
)


def same_article(title: str, text: str, page: Page) -> bool:
    """Do the former title and text and `page` speak of one thing? A soft 404 and a front page do not."""
    share = _common(Counter(_words(text)), Counter(_words(page.text)))
    if share >= _SAME_TEXT:
        return True
    alike = _common(Counter(_words(title)), Counter(_words(page.title))) >= _SAME_TITLE
    return alike and share >= _SAME_WITH_TITLE


def differences(title: str, text: str, page: Page, compared: int) -> tuple[str, ...]:
    """Which of title and text differ; of the texts as many signs are `compared` as were kept."""
    fields = []
    if folded(title) != folded(page.title):
        fields.append("title")
    if _lines(text[:compared]) != _lines(page.text[:compared]):
        fields.append("text")
    return tuple(fields)


def fingerprint(page: Page) -> str:
    """The same for two looks that saw the same."""
    seen = "\n".join((folded(page.title), *sorted(_lines(page.text)), *files_of(page)))
    return hashlib.blake2b(seen.encode(), digest_size=8).hexdigest()


def retitled(item_title: str, before: str, after: str) -> str:
    """The item's title once the page's went from `before` to `after`; what the site adds to each stays away."""
    if before.startswith(item_title):
        return after.removesuffix(before[len(item_title) :]) or after
    return after


def _lines(text: str) -> frozenset[str]:
    """Lines as they are compared: an order that changed, or a counter, is no edit."""
    return frozenset(folded(line) for line in text.split("\n") if not _VOLATILE.search(line)) - {""}


def _words(text: str) -> list[str]:
    return folded(text).split()


def _common(a: Counter[str], b: Counter[str]) -> float:
    return 2 * (a & b).total() / ((a.total() + b.total()) or 1)
