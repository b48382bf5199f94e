"""What names mean is taken from feedparser itself, so that its next version cannot open a hole unseen."""

from __future__ import annotations

import re

from feedparser.api import StrictFeedParser

from services.collector.reading import atom, places
from services.collector.reading.vocabulary import NAMESPACES, WORDS, is_silent, is_silent_attribute, words_of

HANDLERS = {name.split("_", 2)[2] for name in dir(StrictFeedParser) if name.startswith(("_start_", "_end_"))}
PLACES = (places.ITEM, places.ENTRY, places.CHANNEL, places.FEED, places.ROOT)


def test_every_handler_speaks() -> None:
    assert len(HANDLERS) > 100
    assert {name.lower() for name in HANDLERS} <= WORDS


def test_a_handler_of_a_later_version_speaks() -> None:
    class Later(StrictFeedParser):
        def _start_thr_total(self, attributes: dict[str, str]) -> str | None:
            return attributes.get("counted")

    assert is_silent("thr_total")
    assert is_silent_attribute("counted")
    assert {"thr_total", "counted"} <= set(words_of(Later))


def test_only_words_need_a_place() -> None:
    """What is silent may stand anywhere: to list it would say more than is true."""
    for place in PLACES:
        inside = set().union(*place.nests.values())
        assert {name for name in place.opaque | inside if is_silent(name)} <= {"xhtml_meta"}


def test_nothing_is_opaque_that_we_read() -> None:
    fields = {"title", "link", "guid", "id", "summary", "content", "content_encoded", "enclosure", "item", "entry"}
    assert all(fields.isdisjoint(place.opaque) for place in PLACES)


def test_words_with_an_underscore_begin_with_a_vocabulary_or_a_word() -> None:
    """So a prefix that is neither makes no name that speaks."""
    heads = {word.partition("_")[0] for word in WORDS if "_" in word[1:] and word[0] != "_"}
    assert heads <= WORDS | set(NAMESPACES.values())


def test_markup_has_no_handlers() -> None:
    names = set(atom.MARKUP.split())
    assert HANDLERS.isdisjoint(names | {f"xhtml_{name}" for name in names})


def test_what_is_read_of_every_element() -> None:
    """The attributes that mean something on whatever they stand; a new one must be left to feedparser."""
    code = StrictFeedParser.unknown_starttag.__code__
    read = {word for word in code.co_consts if isinstance(word, str) and re.fullmatch(r"[a-z:]+", word)}
    state = {"ignore", "language", "type", "xml", "math", "svg", "xmlns", "xmlns:", ":"}
    assert read - state == {"base", "xml:base", "lang", "xml:lang"}
    assert not is_silent_attribute("base")
    assert not is_silent_attribute("{http://www.w3.org/XML/1998/namespace}base")
    assert "base" not in places.LOOSE | atom.ATTRIBUTES
