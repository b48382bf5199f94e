"""Every name that feedparser knows, at every place: the fast reader means the same by it, or leaves it alone."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product

import pytest
from feedparser.api import StrictFeedParser

from services.collector.reading import parse, wellformed
from services.collector.reading.places import CHANNEL, ENTRY, FEED
from services.collector.reading.vocabulary import WORDS
from tests.collector.agreement import differences

BASE = "https://bao.example/rss/home.rss"
PREFIXES = {prefix: uri for uri, prefix in StrictFeedParser.namespaces.items() if prefix not in ("", "xml")}
SPEAKING = {word.partition("_")[0] for word in WORDS if "_" in word}
DECLARED = {prefix: uri for prefix, uri in PREFIXES.items() if prefix.lower() in SPEAKING | {"rdf", "slash"}}
LOWER = {prefix.lower(): prefix for prefix in DECLARED}
XMLNS = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in (*DECLARED.items(), ("own", "urn:x")))
RSS = (
    f'<rss version="2.0" {XMLNS}><channel>{{0}}<title>t</title>{{1}}<link>https://b.example/</link>'
    "<image>{2}<url>https://b.example/a.png</url><title>i</title></image>"
    "<item>{3}<title>a</title><link>https://b.example/1</link>{4}<guid>1</guid><author>p</author>"
    "<description>d</description>{5}<category>{6}c</category></item>"
    "<item><title>b</title><content:encoded>x</content:encoded></item></channel>{7}</rss>"
)
ATOM = (
    f'<feed xmlns="http://www.w3.org/2005/Atom" {XMLNS}>'
    "{0}<title>t</title>{1}<id>urn:f</id><author>{2}<name>n</name></author>"
    "<entry>{3}<id>urn:1</id><title>a</title>{4}<link href='/1'/><updated>2026-03-01</updated>"
    "<author>{5}<name>p</name></author><summary>s</summary><content type='xhtml'>y<div>{6}x<b>z</b></div>"
    "</content></entry><entry><id>urn:2</id><title>b</title>{7}<content>x</content></entry></feed>"
)
RDF = (
    f'<rdf:RDF xmlns="http://purl.org/rss/1.0/" {XMLNS}><channel rdf:about="f">{{0}}<title>t</title>{{1}}'
    "<items><rdf:Seq>{2}<rdf:li resource='1'/></rdf:Seq></items></channel>{3}"
    "<item rdf:about='https://b.example/1'>{4}<title>a</title><link>https://b.example/1</link>"
    "<dc:date>2026</dc:date>{5}<description>d</description></item>{6}"
    "<item rdf:about='2'><title>b</title><dc:creator>p</dc:creator>{7}</item></rdf:RDF>"
)
HOLES = range(8)
NAMES = sorted(word for word in WORDS if word[0].isalpha())
DOCUMENTS = pytest.mark.parametrize("document", [RSS, ATOM, RDF], ids=["rss", "atom", "rdf"])


def agree(text: str) -> bool | None:
    """Does the fast reader understand it as feedparser does? None where it does not dare."""
    quick = wellformed.read(text.encode(), BASE)
    return None if quick is None else not differences(quick, parse.parse(text.encode(), BASE), BASE)


def spelt(word: str) -> str:
    """In the vocabulary that it begins with."""
    head, _, name = word.partition("_")
    return f"{LOWER[head]}:{name}" if name and head in LOWER else word


def spellings() -> Iterator[str]:
    """Every word as an element: without a prefix, and in the vocabulary that it begins with."""
    for word in (*NAMES, "thumb", "p", "slash_comments"):
        yield from dict.fromkeys((word, spelt(word)))
    yield from ("own:title", "own:link", "own:entry", "own:detail", "xhtml:p")


def forms(name: str) -> Iterator[str]:
    yield f"<{name}/>"
    yield f"<{name}>w&lt;x</{name}>"
    yield f"<{name} href='/h' type='text/html' rel='alternate' url='/u' id='i'>w</{name}>"
    yield f"<{name}><title>inner</title><link>/in</link></{name}>"
    yield f"<{name}><{name}>w</{name}><own:p>v</own:p></{name}>"


def filled(document: str, hole: int, form: str) -> str:
    return document.format(*(form if n == hole else "" for n in HOLES))


def agreed(texts: Iterable[str]) -> Counter[bool | None]:
    """How many the fast reader takes, and how many it does not; never one that it takes for something else."""
    found: Counter[bool | None] = Counter()
    for text in texts:
        outcome = agree(text)
        assert outcome is not False, text
        found[outcome] += 1
    print(f"\n{found}")
    return found


@DOCUMENTS
def test_elements(document: str) -> None:
    placed = product(spellings(), HOLES)
    found = agreed(filled(document, hole, form) for name, hole in placed for form in forms(name))
    assert found[True] > 500
    assert found[None] > 1_000


@DOCUMENTS
def test_elements_inside_others(document: str) -> None:
    """What holds others holds no word that is not of it."""
    outer = sorted({name for place in (FEED, ENTRY, CHANNEL) for name in place.nests})
    found = agreed(
        filled(document, hole, f"<{container}><{name}>w</{name}></{container}>")
        for container, name, hole in product(map(spelt, outer), spellings(), (0, 3, 4))
    )
    assert found[True] > 100
    assert found[None] > 1_000


@DOCUMENTS
def test_attributes(document: str) -> None:
    """On each element of an ordinary document."""
    whole = document.format(*[""] * len(HOLES))
    ends = [tag.end() for tag in re.finditer(r"<[a-zA-Z:]+", whole)]
    others = ("thumb", "isPermaLink", "HREF", "own:href", "xml:lang")
    found = agreed(
        f"{whole[:at]} {name}='{value}'{whole[at:]}"
        for at, name in product(ends, (*NAMES, *others))
        for value in ("alternate", "text/html", "/x", "")
    )
    assert found[True] > 100
    assert found[None] > 1_000
