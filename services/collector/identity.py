"""Which entries are the same thing: the names (aliases) an entry goes by within its publisher.

Strong aliases are what the publisher means as identity: guid, then canonical link. Weak ones recognise what
comes again after guids changed or a site moved: title and date, title and path; the bare title only when many
come at once. An alias is a 53-bit number (a hash of kind and value): small in the state, safe in JSON.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from services.collector.reading.entry import Entry

# Parameters that tell a site where a reader came from; the page is the same without them.
_TRACKING = re.compile(
    r"^(?:utm_\w*|mc_[ce]id|fbclid|gclid|dclid|msclkid|yclid|twclid|igshid|zarsrc|zalo_\w*|_ga|_gl|at_\w+|ns_\w+"
    r"|cmpid|wt_mc|ref_src|ref_url|spm|vero_\w+|oly_\w+|__s|__twitter_impression|hss_channel|xtor"
    r"|jsessionid|phpsessid|aspsessionid\w*)$",
    re.IGNORECASE,
)
# Servers that see no cookie write the session into every link, another one at each visit.
_SESSION = re.compile(r";jsessionid=[^/;]*|/\(S\(\w+\)\)(?=/)", re.IGNORECASE)
_MOBILE = re.compile(r"^(?:www\d?|m|mobile|amp|wap)\.")
_GLOBAL_GUID = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|.*\w+\.\w{2,}/)", re.IGNORECASE)
_FOLD = re.compile(r"[\W_]+")
# A short or numberless path (`/tin-tuc`) names a place of a site, not an article.
_SPECIFIC_PATH = re.compile(r"/[^/]*\d{4,}[^/]*$|/[^/]{24,}$")
# "Thông báo" may well be published twice on one day.
_LONG_TITLE = 20
_ARTICLE_QUERY = re.compile(r"\d{3,}|id=", re.IGNORECASE)
ID_LENGTH = 24


@dataclass(frozen=True, slots=True)
class Aliases:
    """Names of one entry, 0 where it has none. `guid` and `link` are strong, the others weak."""

    guid: int = 0
    link: int = 0
    dated: int = 0  # title and date
    path: int = 0  # title and path of the link
    title: int = 0  # only where there is no other

    @property
    def strong(self) -> tuple[int, ...]:
        return tuple(alias for alias in (self.guid, self.link) if alias)

    @property
    def weak(self) -> tuple[int, ...]:
        return tuple(alias for alias in (self.dated, self.path) if alias)

    @property
    def all(self) -> tuple[int, ...]:
        """In the order in which they are asked, each once."""
        named = (self.guid, self.link, self.dated, self.path, self.title)
        return tuple(dict.fromkeys(alias for alias in named if alias))


def aliases(entry: Entry, source: str, at: datetime | None, *, exact: bool) -> Aliases:
    """The names of `entry` as `source` shows it; `at` is its date, `exact` if it has a time of day."""
    title = folded(entry.title)
    when = _when(title, at, exact)
    _, path, _ = _link(entry.link)
    return Aliases(
        guid=_guid(entry.guid, source) if entry.guid else 0,
        link=link_alias(entry.link) if entry.link else 0,
        dated=_alias("dated", f"{title}\0{when}") if when else 0,
        path=_alias("path", f"{title}\0{path}") if path and title and not when else 0,
        title=_alias("title", title) if title and not (entry.guid or entry.link or when) else 0,
    )


def mint(publisher: str, alias: int, salt: int = 0) -> str:
    """A new item's id, made once and kept in the state; `salt` when the name was somebody else's before."""
    seed = f"{publisher}\0{alias}" + (f"\0{salt}" if salt else "")
    return hashlib.sha256(seed.encode()).hexdigest()[:ID_LENGTH]


def canonical(link: str) -> str:
    """What a link points at, whatever its scheme, `www.`, port, tracking or fragment; for comparing only."""
    return _link(link)[0]


def link_alias(link: str) -> int:
    """The name that an entry has by its link."""
    return _alias("link", canonical(link))


def tidy(link: str) -> str:
    """The link as we publish it: without tracking parameters and sessions, else as it came."""
    parts = _split(link)
    if parts is None or not (parts.query or _SESSION.search(parts.path)):
        return link
    return parts._replace(path=_SESSION.sub("", parts.path), query=_without_tracking(parts.query)).geturl()


def has_long_title(entry: Entry) -> bool:
    """Is the title long enough to mean one article?"""
    return len(entry.title) >= _LONG_TITLE


def folded(title: str) -> str:
    """A title for comparing: case, punctuation and spaces do not make another article."""
    return _FOLD.sub(" ", title.casefold()).strip()


def digest(entry: Entry) -> str:
    """What a feed shows of an entry, field by field (title, lede, text), 8 hex signs each."""
    return "".join(_short(value) for value in (entry.title, entry.lede, entry.text))


def changed_fields(before: str, after: str) -> tuple[str, ...]:
    """Which fields differ between two digests."""
    names = ("title", "lede", "text")
    return tuple(name for i, name in enumerate(names) if before[i * 8 : i * 8 + 8] != after[i * 8 : i * 8 + 8])


def _short(value: str) -> str:
    return hashlib.blake2b(value.encode("utf-8", "replace"), digest_size=4).hexdigest()


def _alias(kind: str, value: str) -> int:
    raw = hashlib.blake2b(f"{kind}\0{value}".encode("utf-8", "replace"), digest_size=8).digest()
    return (int.from_bytes(raw, "big") >> 11) or 1


def _guid(guid: str, source: str) -> int:
    """A guid that is an address is a link; one that is a URN is the publisher's; `1234` only its feed's."""
    if guid.startswith(("http://", "https://")):
        return link_alias(guid)
    return _alias("guid", guid if _GLOBAL_GUID.match(guid) else f"{source}\0{guid}")


def _when(title: str, at: datetime | None, exact: bool) -> str:
    if at is None or not title:
        return ""
    if exact:
        return at.isoformat(timespec="minutes")
    return at.date().isoformat() if len(title) >= _LONG_TITLE else ""


def is_specific(link: str) -> bool:
    """Does the link look like one article's, not a section's or the home page?"""
    return _link(link)[2]


@lru_cache(maxsize=2_048)  # poll after poll shows the same links
def _link(link: str) -> tuple[str, str, bool]:
    """Canonical form, path if it is one article's, and whether path or query are."""
    parts = _split(link)
    if parts is None:
        return link, "", False
    host = _MOBILE.sub("", (parts.hostname or "").rstrip("."))
    query, whole = _without_tracking(parts.query), _SESSION.sub("", parts.path)
    path = whole if _SPECIFIC_PATH.search(whole) else ""
    canonical_link = f"{host}{whole.rstrip('/') or '/'}{'?' + query if query else ''}"
    return canonical_link, path, bool(path or _ARTICLE_QUERY.search(parts.query))


def _without_tracking(query: str) -> str:
    return "&".join(pair for pair in query.split("&") if pair and not _TRACKING.match(pair.partition("=")[0]))


def _split(link: str) -> SplitResult | None:
    try:
        parts = urlsplit(link)
        return parts if parts.scheme in ("http", "https") and parts.hostname else None
    except ValueError:
        return None
