from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from services.collector.decide import FORGET_AFTER, PUBLISHED, Reading, decide, forgettable
from services.collector.known import FeedState, Known
from services.collector.reading.entry import Entry
from tests.collector.build import NOW, Post, entries, source
from tinsom.messages import Source

HOME, POLITICS, DIGITAL = source("home"), source("politics"), source("digital")


@dataclass
class Paper:
    """A publisher as the collector sees it: polls fold into what is known, as commits would."""

    known: Known = field(default_factory=Known)
    feeds: dict[str, FeedState] = field(default_factory=dict)
    events: list[tuple[str, int, bool]] = field(default_factory=list)  # id, revision, baseline
    now: float = NOW

    def poll(self, shown: list[Entry], src: Source = HOME) -> Reading:
        feed = self.feeds.get(src.id, FeedState(source=src.id, publisher=src.publisher))
        reading = decide(shown, self.known, feed, src, self.now)
        for d in reading.decisions:
            if d.item is not None:
                self.known.put(d.item)
            if d.outcome in PUBLISHED:
                assert d.item is not None
                self.events.append((d.item.id, d.item.revision, d.outcome == "baseline"))
        self.feeds[src.id] = msgspec.structs.replace(
            feed, baseline_done=True, url=src.url, document_at=self.now, distrust=list(reading.distrust)
        )
        self.now += 300
        return reading

    def outcomes(self, shown: list[Entry], src: Source = HOME) -> list[str]:
        return [d.outcome for d in self.poll(shown, src).decisions]


def known_paper(*numbers: int) -> Paper:
    paper = Paper()
    paper.poll(entries(*numbers))
    paper.events.clear()
    return paper


def test_first_sight_is_a_baseline_then_news() -> None:
    paper = Paper()
    assert paper.outcomes(entries(2, 1)) == ["baseline", "baseline"]
    assert paper.outcomes(entries(3, 2, 1)) == ["same", "same", "new"]
    assert paper.outcomes(entries(3, 2, 1)) == ["same"] * 3


def test_there_and_back_is_three_events() -> None:
    paper, a, b = Paper(), Post(1, title="Tên cũ của tin"), Post(1, title="Tên mới của tin")
    for post in (a, b, a, a):
        paper.poll(entries(post))
    assert [revision for _, revision, _ in paper.events] == [1, 2, 3]
    assert len({id_ for id_, _, _ in paper.events}) == 1


def test_a_revision_says_what_changed() -> None:
    paper = known_paper(1)
    assert paper.poll(entries(Post(1, lede="Khác hẳn."))).decisions[0].fields == ("lede",)


def test_three_feeds_of_one_paper_show_one_item() -> None:
    paper = Paper()
    for src in (HOME, POLITICS, DIGITAL):
        paper.poll([], src)
        paper.feeds[src.id] = msgspec.structs.replace(paper.feeds[src.id], baseline_done=True)
    assert [paper.outcomes(entries(7), src)[0] for src in (HOME, POLITICS, DIGITAL)] == ["new", "same", "same"]
    # An edit that all three show, one after the other, is one revision.
    edited = entries(Post(7, title="Tin số 7 được sửa"))
    assert [paper.outcomes(edited, src)[0] for src in (HOME, POLITICS, DIGITAL)] == ["changed", "same", "same"]


def test_feeds_that_word_the_lede_differently_do_not_quarrel() -> None:
    paper = known_paper(1)
    shorter = entries(Post(1, lede="Ngắn hơn."))
    for _ in range(3):
        assert paper.outcomes(shorter, POLITICS) == ["same"]
        assert paper.outcomes(entries(1), HOME) == ["same"]


def test_guids_regenerated_and_links_kept() -> None:
    paper = known_paper(*range(1, 9))
    churned = entries(*(Post(n, guid=f"urn:new:{n}") for n in range(1, 9)))
    assert set(paper.outcomes(churned)) == {"same"}
    assert paper.feeds["home"].distrust == ["guid"]


def test_a_site_that_moves_its_domain_is_no_news() -> None:
    paper = known_paper(*range(1, 9))
    moved = [
        Post(n, link=f"https://moi.example/tin-so-{n}-{100000 + n}.htm", guid=f"https://moi.example/?p={n}")
        for n in range(1, 9)
    ]
    assert set(paper.outcomes(entries(*moved))) == {"same"}


def test_an_archive_published_again_under_new_links_and_dates() -> None:
    paper = known_paper(*range(1, 9))
    again = [
        Post(n, link=f"https://bao.example/x/{n}", guid=f"urn:x:{n}", date="Tue, 10 Mar 2026 09:59:00 +0700")
        for n in range(1, 9)
    ]
    assert set(paper.outcomes(entries(*again))) == {"same"}


def test_many_old_unknown_entries_are_a_baseline_and_one_is_news() -> None:
    old = [Post(n, date="Mon, 05 Jan 2026 08:00:00 +0700") for n in range(20, 30)]
    assert set(known_paper(1).outcomes(entries(*old))) == {"baseline"}
    assert known_paper(1).outcomes(entries(old[0])) == ["new"]


def test_notices_with_one_title_are_all_news() -> None:
    paper = known_paper(1)
    shown = [Post(n, title="Thông báo") for n in (2, 3, 4)]
    assert paper.outcomes(entries(*shown)) == ["new"] * 3


def test_running_numbers_as_guids_are_seen_through() -> None:
    def numbered(*posts: int) -> list[Entry]:
        return entries(*(Post(n, guid=str(place)) for place, n in enumerate(posts)))

    paper = Paper()
    paper.poll(numbered(5, 4, 3, 2, 1))
    assert sorted(paper.outcomes(numbered(6, 5, 4, 3, 2))) == ["new", "same", "same", "same", "same"]
    assert sorted(paper.outcomes(numbered(9, 8, 7, 6, 5))) == ["new", "new", "new", "same", "same"]


def test_one_guid_for_all_is_no_identity() -> None:
    paper = Paper()
    paper.poll(entries(*(Post(n, guid="https://bao.example/") for n in (1, 2, 3))))
    assert sorted(paper.outcomes(entries(*(Post(n, guid="https://bao.example/") for n in (1, 2, 3, 4))))) == [
        "new",
        "same",
        "same",
        "same",
    ]


def test_one_link_for_all_is_no_identity() -> None:
    home = "https://bao.example/thong-bao"
    paper = Paper()
    assert len(paper.outcomes(entries(*(Post(n, link=home) for n in (1, 2, 3))))) == 3
    assert paper.outcomes(entries(Post(4, link=home))) == ["new"]


def test_without_guid_and_link_title_and_date_must_do() -> None:
    bare = [replace(e, guid="", link="") for e in entries(1, 2)]
    paper = Paper()
    assert paper.outcomes(bare) == ["baseline"] * 2
    assert paper.outcomes(bare) == ["same"] * 2


def test_nothing_to_tell_it_by() -> None:
    assert Paper().outcomes([Entry(lede="")]) == ["dropped-no-identity"]


def test_twice_in_one_document_counts_once() -> None:
    paper = known_paper(1)
    first, second = entries(Post(2, title="Bản mới"), Post(2, title="Bản cũ"))
    reading = paper.poll([first, second])
    assert sorted(d.outcome for d in reading.decisions) == ["dropped-duplicate", "new"]
    assert paper.outcomes([first, second]).count("changed") == 0


def test_another_address_for_a_source() -> None:
    other = msgspec.structs.replace(HOME, url="https://bao.example/khac.rss")
    assert known_paper(1, 2).outcomes(entries(3, 2, 1), other) == ["same", "same", "new"]
    assert known_paper(1, 2).outcomes(entries(9, 8), other) == ["baseline", "baseline"]


def test_rollover_is_noticed() -> None:
    assert known_paper(1, 2).poll(entries(*range(10, 20))).rollover
    assert not known_paper(1, 2).poll(entries(*range(10, 20), 2)).rollover


def test_oldest_first_and_undated_last() -> None:
    shown = entries(3, 2, 1, Post(9, date="hôm nay"))
    assert [d.entry.title[7] for d in Paper().poll(shown).decisions] == ["1", "2", "3", "9"]


def test_what_no_feed_shows_any_more_is_forgotten_by_the_feed_s_own_time() -> None:
    paper = known_paper(1, 2)
    assert forgettable(paper.known, {"home": NOW + FORGET_AFTER - 1}) == []
    assert len(forgettable(paper.known, {"home": NOW + FORGET_AFTER + 600})) == 2
    assert forgettable(paper.known, {"elsewhere": NOW + 2 * FORGET_AFTER}) == []


# --- properties ---------------------------------------------------------------------------------------------

NUMBERS = st.lists(st.integers(1, 30), max_size=12, unique=True)
EDITIONS = st.sampled_from(["", "Bản một của một tin", "Bản hai của một tin"])
DOCUMENTS = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 12), EDITIONS), max_size=8, unique_by=lambda p: p[0]), st.integers(0, 2)
    ),
    max_size=6,
)
FEEDS = [HOME, POLITICS, DIGITAL]


@given(NUMBERS, st.randoms(use_true_random=False))
def test_the_order_of_a_document_does_not_matter(numbers: list[int], random: Random) -> None:
    shuffled = list(numbers)
    random.shuffle(shuffled)
    one, two = Paper(), Paper()
    one.poll(entries(*numbers))
    two.poll(entries(*shuffled))
    assert one.events == two.events


@settings(max_examples=60)
@given(DOCUMENTS)
def test_every_document_seen_twice_says_nothing_the_second_time(
    documents: list[tuple[list[tuple[int, str]], int]],
) -> None:
    paper = Paper()
    for posts, feed in documents:
        shown = entries(*(Post(n, title=f"{title} {n}" if title else "") for n, title in posts))
        paper.poll(shown, FEEDS[feed])
        before = len(paper.events)
        assert all(o == "same" for o in paper.outcomes(shown, FEEDS[feed]))
        assert len(paper.events) == before


@settings(max_examples=60)
@given(DOCUMENTS)
def test_each_revision_of_each_item_once_and_in_order(documents: list[tuple[list[tuple[int, str]], int]]) -> None:
    paper = Paper()
    shown_numbers = set()
    for posts, feed in documents:
        shown_numbers |= {n for n, _ in posts}
        paper.poll(entries(*(Post(n, title=f"{title} {n}" if title else "") for n, title in posts)), FEEDS[feed])
    assert len(set(paper.events)) == len(paper.events)
    revisions: dict[str, int] = {}
    for id_, revision, _ in paper.events:
        assert revision == revisions.get(id_, 0) + 1
        revisions[id_] = revision
    assert len(revisions) == len(shown_numbers)


TEXT = st.text(max_size=12)
ENTRIES = st.lists(st.builds(Entry, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT, st.just(0)), max_size=8)


@settings(max_examples=80)
@given(st.lists(ENTRIES, max_size=4))
def test_whatever_comes_each_entry_has_one_decision(documents: list[list[Entry]]) -> None:
    paper = Paper()
    for document in documents:
        placed = [replace(e, position=i) for i, e in enumerate(document)]
        reading = paper.poll(placed)
        assert sorted(d.entry.position for d in reading.decisions) == list(range(len(placed)))
    assert len(set(paper.events)) == len(paper.events)
