"""Bytes → a well-formed feed: each byte chooses what comes next: fuzzing changes structure, not spelling."""

from __future__ import annotations

from collections.abc import Iterator

_XMLNS = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "content": "http://purl.org/rss/1.0/modules/content/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
        "media": "http://search.yahoo.com/mrss/",
        "own": "urn:x",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "sy": "http://purl.org/rss/1.0/modules/syndication/",
        "xhtml": "http://www.w3.org/1999/xhtml",
    }.items()
)
_ROOTS = (
    ('rss version="2.0"', "rss"),
    ('feed xmlns="http://www.w3.org/2005/Atom"', "feed"),
    ('rdf:RDF xmlns="http://purl.org/rss/1.0/"', "rdf:RDF"),
)
_NAMES = (
    "channel item entry title link guid id description summary content content:encoded pubDate published updated"
    " author name email uri dc:creator dc:date dc:title dc:language dc:subject language ttl sy:updatePeriod"
    " category enclosure source image url textInput skipHours hour items rdf:Seq rdf:li comments thumb own:p"
    " own:title links media:group media:content media:title media:thumbnail itunes:owner itunes:name"
    " itunes:summary rights subtitle contributor generator feed rss body abstract created modified div p b br"
    " script svg math xhtml:p xhtml:body"
)
_ATTRIBUTES = (
    "type href rel url isPermaLink base xml:base xml:lang lang term rdf:about rdf:resource own:href src mode title"
    " version xmlns"
)
_VALUES = (
    "html|xhtml|text/html|text|alternate|Alternate|self|enclosure|/a.pdf|true|false||https://b.example/x|vi_VN"
    "|base64|http://www.w3.org/1999/xhtml|urn:x|a:///b"
)
_WORDS = (
    "w|| |a &lt;b&gt; c|&amp;amp;|1 &lt; 2|https://b.example/?a=1&amp;b=2|Bộ|\u00c3\u00a1|a@b.example (n)"
    "|<![CDATA[<p>x</p>]]>|<!-- c -->|2026-03-01|&#9;|5|hourly"
)
ELEMENTS, ATTRIBUTES = _NAMES.split(), _ATTRIBUTES.split()
VALUES, WORDS = _VALUES.split("|"), _WORDS.split("|")
_DEEPEST = 6
_END, _ATTRIBUTE = 200, 128


def document(data: bytes) -> bytes:
    """A document of one of three kinds; the same bytes make the same one."""
    choices = iter(data)
    head, tail = _ROOTS[next(choices, 0) % len(_ROOTS)]
    inside = "".join(_inside(choices, 0))
    return f"<{head} {_XMLNS}>{inside}</{tail}>".encode()


def _inside(choices: Iterator[int], depth: int) -> Iterator[str]:
    """Words, then elements until the bytes say that it is enough."""
    yield WORDS[next(choices, 1) % len(WORDS)]
    for choice in choices:
        if choice >= _END or depth > _DEEPEST:
            return
        yield _element(choice, choices, depth)
        yield WORDS[next(choices, 1) % 3]


def _element(choice: int, choices: Iterator[int], depth: int) -> str:
    name = ELEMENTS[choice % len(ELEMENTS)]
    written: dict[str, str] = {}
    while (asked := next(choices, 0)) >= _ATTRIBUTE:
        written[ATTRIBUTES[asked % len(ATTRIBUTES)]] = VALUES[next(choices, 0) % len(VALUES)]
    attributes = "".join(f' {key}="{value}"' for key, value in written.items())
    return f"<{name}{attributes}>{''.join(_inside(choices, depth + 1))}</{name}>"
