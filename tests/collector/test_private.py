"""The private input through decode, parse and extract: no crash, each file with its outcome."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

from services.collector.decide import decide
from services.collector.documents import read as parse
from services.collector.entry import Document
from services.collector.extract import extract, extract_selected
from services.collector.identity import folded
from services.collector.known import FeedState, Known
from services.collector.response import Response, judge
from tests.collector.build import NOW, source
from tinsom.messages import PageSelectors

FEED = source("suite")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def outcome_of(body: bytes) -> tuple[str, Document]:
    outcome = judge(Response("https://bao.example/f", 200, {}, body), asked_conditionally=False, known_body="")
    if outcome != "ok":
        return outcome, Document()
    document = parse(body, "", "https://bao.example/f")
    return ("parse" if document.fault else "ok" if document.entries else "no_entries"), document


def test_every_feed_file_has_an_outcome(private_data: Path) -> None:
    outcomes: Counter[str] = Counter()
    entries: Counter[str] = Counter()
    index = lines(private_data / "feeds.jsonl")
    start = time.perf_counter()
    for line in index:
        outcome, document = outcome_of((private_data / line["path"]).read_bytes())
        outcomes[outcome] += 1
        state = FeedState(source=FEED.id, publisher=FEED.publisher)
        reading = decide(document.entries, Known(), state, FEED, NOW)
        assert len(reading.decisions) == len(document.entries), line["path"]
        entries.update(d.outcome for d in reading.decisions)
        # `kind` and `items` are feedparser's: what it reads from a file, we read too.
        if line["items"] and outcome == "ok":
            assert len(document.entries) >= min(line["items"], 2_000), line["path"]
    print(f"\n{len(index)} files, {time.perf_counter() - start:.1f} s: {dict(outcomes)}; entries {dict(entries)}")
    assert sum(outcomes.values()) == len(index)


def test_the_lead_is_in_the_text_of_every_vietnamese_page(private_data: Path) -> None:
    seen = 0
    for line in lines(private_data / "html.jsonl"):
        if "published" not in line or line["kind"] != "article":
            continue
        page = extract((private_data / line["path"]).read_bytes(), "", line["url"])
        assert page is not None, line["path"]
        assert page.description, line["path"]
        assert folded(page.description)[:60] in folded(page.text), line["path"]
        seen += 1
    assert seen >= 8


def token_f1(found: str, gold: str) -> float:
    a, b = Counter(folded(found).split()), Counter(folded(gold).split())
    common = sum((a & b).values())
    return 2 * common / (sum(a.values()) + sum(b.values())) if common else 0.0


def test_text_is_at_least_as_good_as_trafilatura_alone(private_data: Path) -> None:
    import trafilatura

    ours, theirs = [], []
    for line in lines(private_data / "html.jsonl"):
        if not line["gold_text"]:
            continue
        body = (private_data / line["path"]).read_bytes()
        page = extract(body, "", line["url"])
        ours.append(token_f1(page.text if page else "", line["gold_text"]))
        plain = trafilatura.extract(body.decode("utf-8", "replace"), include_comments=False)
        theirs.append(token_f1(plain or "", line["gold_text"]))
    means = f"{sum(ours) / len(ours):.4f}, trafilatura alone {sum(theirs) / len(theirs):.4f}"
    print(f"\n{len(ours)} pages with gold text: F1 {means}")
    assert sum(ours) >= sum(theirs)


RELATED = "[type=RelatedOneNews], [type=RelatedNewsBox]"
VCCORP = PageSelectors(body=".detail-content", title="h1", lead=".detail-sapo, .sapo", without=RELATED)
SELECTED = {
    "VnExpress": PageSelectors(body="article.fck_detail", title="h1.title-detail", lead="p.description"),
    "baochinhphu": VCCORP,
    "baodautu": PageSelectors(body="#content_detail_news", lead=".sapo_detail"),
    "cafef": VCCORP,
    "nld": VCCORP,
    "tuoitre": VCCORP,
    "vietnamnet": PageSelectors(body="#maincontent", title="h1", lead=".content-detail-sapo"),
}


def test_selectors_read_what_trafilatura_reads_and_the_sample_finds_no_fault(private_data: Path) -> None:
    spent = [0.0, 0.0]
    seen = set()
    for line in lines(private_data / "html.jsonl"):
        paper = next((name for name in SELECTED if name in line["path"]), "")
        if not paper or line["kind"] != "article":
            continue
        given = (private_data / line["path"]).read_bytes(), "", ""
        start = time.process_time()
        plain = extract(*given)
        between = time.process_time()
        found = extract_selected(*given, SELECTED[paper], False)
        spent = [spent[0] + between - start, spent[1] + time.process_time() - between]
        assert plain is not None
        assert found.page is not None
        assert found.outcome == extract_selected(*given, SELECTED[paper], True).outcome == "ok", paper
        assert folded(found.page.description)[:60] in folded(found.page.text), paper
        assert token_f1(found.page.text, plain.text) > 0.95, paper
        seen.add(paper)
    print(f"\n{len(seen)} papers: trafilatura {spent[0] * 1e3:.0f} ms, selectors {spent[1] * 1e3:.0f} ms")
    assert seen == set(SELECTED)
