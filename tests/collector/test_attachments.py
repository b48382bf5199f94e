"""Documents that an announcement links to, or is: found, fetched, read, and told of."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from lxml import html

from services.collector import service
from services.collector.articles import attachments, office, pages
from services.collector.articles.attachments import Attached, own_text, with_attached
from services.collector.articles.page import PageWish, files_of
from services.collector.articles.pages import PageReader
from services.collector.reading.raw import MAX_FILES
from tests.collector.build import NOW, Post, rss
from tests.collector.feedserver import FeedServer
from tests.collector.papers import pdf, word
from tests.collector.test_office import DECREE, STAMP, encrypted
from tests.collector.test_pages import HTML, reader
from tests.collector.test_selected import BODY, SELECTORS, article
from tests.collector.test_service import SteppedClock, _ticking, apply, config, items, opened, source
from tests.waiting import PATIENCE
from tinsom.messages import Attachment, PageSelectors
from tinsom.service import Context

__all__ = ["reader"]
WISH = PageWish(attachments=True)
PDF: dict[str, Any] = {"Content_Type": "application/pdf"}


def linking(*paths: str) -> str:
    return BODY + "".join(f"<p>Xem <a href='{path}'>toàn văn tại đây</a></p>" for path in paths)


def test_which_links_are_attachments() -> None:
    page = html.fromstring(
        "<html><body><nav><a href=/menu.pdf>x</a></nav><div class='related-news'><a href=/khac.pdf>x</a></div>"
        "<div class=noi-dung><a href=/a.pdf>1</a><a href='/a.pdf'>1</a>"
        "<a href='/tai?ten=Quy%E1%BA%BFt.DOCX&v=2'>2</a>"
        "<a href=/bai.html>3</a><a href='javascript:x.pdf'>4</a><a href=/cu.doc>5</a></div>"
        "<div class=tep-dinh-kem><a href='b.pdf#page=2'>6</a></div></body></html>"
    )
    base = "https://cong.example/tin/1"
    assert attachments.links_beside_furniture(page, base) == (
        "https://cong.example/a.pdf",
        "https://cong.example/tai?ten=Quy%E1%BA%BFt.DOCX&v=2",
        "https://cong.example/tin/b.pdf",
    )
    many = html.fromstring("".join(f"<a href=/{n}.pdf>x</a>" for n in range(50)))
    assert len(attachments.links([many], base)) == MAX_FILES


def test_their_text_stands_under_their_name_and_can_be_taken_away() -> None:
    attached = [
        Attached(Attachment(url="https://c.example/tep/Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh.pdf?v=1"), "Điều 1."),
        Attached(Attachment(url="https://c.example/b.pdf", outcome="scanned")),
    ]
    text = with_attached("Thân bài.", attached)
    assert text == "Thân bài.\n[Tệp đính kèm: Quyết định.pdf]\nĐiều 1."
    assert own_text(text) == own_text("Thân bài.") == "Thân bài."
    assert own_text(with_attached("", attached)) == own_text("") == ""
    assert with_attached("Thân bài.", []) == "Thân bài."


async def test_each_document_of_a_page_has_its_outcome(server: FeedServer, reader: PageReader) -> None:
    server.put("/qd.pdf", pdf([DECREE]), **PDF)
    server.put("/scan.pdf", pdf([STAMP, []]), **PDF)
    server.put("/kin.pdf", encrypted("mật khẩu"), **PDF)
    server.put("/bai.html", article(linking("/qd.pdf", "/scan.pdf", "/kin.pdf", "/mat.pdf", "/vb.docx")), **HTML)
    server.put("/vb.docx", word("Điều 1. Giao Bộ Y tế."))
    seen = await reader.read(server.url("/bai.html"), PageWish(SELECTORS, attachments=True))
    assert seen.page is not None
    assert [(a.attachment.kind, a.attachment.outcome, a.attachment.pages) for a in seen.page.attached] == [
        ("pdf", "ok", 1),
        ("pdf", "scanned", 2),
        ("pdf", "encrypted", 0),
        ("", "unreached", 0),
        ("docx", "ok", 0),
    ]
    assert "Đề án 06" in seen.page.attached[0].text
    unasked = await reader.read(server.url("/bai.html"), PageWish(SELECTORS))
    assert unasked.page is not None
    assert (len(unasked.page.links), unasked.page.attached) == (5, ())


async def test_a_source_may_say_where_its_files_are(server: FeedServer, reader: PageReader) -> None:
    server.put("/qd.pdf", pdf([DECREE]), **PDF)
    body = article().replace(b"</body>", b"<footer id=tep><a href=/qd.pdf>x</a></footer></body>")
    server.put("/bai.html", body, **HTML)
    for selectors, count in ((SELECTORS, 0), (PageSelectors(body=SELECTORS.body, files="#tep"), 1)):
        seen = await reader.read(server.url("/bai.html"), PageWish(selectors, attachments=True))
        assert seen.page is not None
        assert len(seen.page.attached) == count


async def test_what_takes_too_long_or_too_much(
    server: FeedServer, reader: PageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    server.put("/treo.pdf", b"").handler = hang
    server.put("/to.pdf", pdf([DECREE]) + b" " * 2_000_000, **PDF)
    server.put("/robots.txt", b"User-agent: *\nDisallow: /rieng")
    server.put("/bai.html", article(linking("/treo.pdf", "/to.pdf", "/rieng/a.pdf")), **HTML)
    monkeypatch.setattr(pages, "ATTACHMENT_SECONDS", 4.0)
    monkeypatch.setattr(pages, "MAX_ATTACHMENT_BYTES", 1_000_000)
    seen = await reader.read(server.url("/bai.html"), PageWish(SELECTORS, attachments=True))
    assert seen.page is not None
    assert [a.attachment.outcome for a in seen.page.attached] == ["too_slow", "too_big", "forbidden"]


async def test_no_document_keeps_its_item_from_coming(
    server: FeedServer, reader: PageReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raising(body: bytes) -> None:
        raise MemoryError

    server.put("/a.pdf", pdf([DECREE]), **PDF)
    server.put("/bai.html", article(linking("/a.pdf")), **HTML)
    monkeypatch.setattr(office, "read", raising)
    seen = await reader.read(server.url("/bai.html"), PageWish(SELECTORS, attachments=True))
    assert seen.page is not None
    assert [a.attachment.outcome for a in seen.page.attached] == ["broken"]


@pytest.mark.parametrize(
    ("body", "kind", "outcome", "told"),
    [
        (pdf([DECREE]), "application/pdf", "ok", "ok"),
        (pdf([DECREE]), "text/html", "ok", "ok"),
        (pdf([STAMP]), "application/octet-stream", "ok", "scanned"),
        (b"PK\x03\x04 other", "application/zip", "ok", "broken"),
        (b"\x89PNG", "image/png", "not_html", ""),
    ],
)
async def test_an_entry_may_lead_to_a_document(
    server: FeedServer, reader: PageReader, body: bytes, kind: str, outcome: str, told: str
) -> None:
    server.put("/qd.pdf", body, Content_Type=kind)
    seen = await reader.read(server.url("/qd.pdf"), PageWish())
    assert seen.outcome == outcome
    assert [a.attachment.outcome for a in seen.page.attached] == [told] if seen.page else not told
    assert ("Đề án 06" in seen.page.text if seen.page else False) == (told == "ok")


async def test_documents_that_the_feed_names_come_first(server: FeedServer, reader: PageReader) -> None:
    server.put("/qd.pdf", pdf([DECREE]), **PDF)
    server.put("/scan.pdf", pdf([STAMP]), **PDF)
    server.put("/bai.html", article(linking("/scan.pdf")), **HTML)
    files = (server.url("/qd.pdf"),)
    for path in ("/bai.html", "/scan.pdf"):
        seen = await reader.read(server.url(path), PageWish(attachments=True, files=files))
        assert seen.page is not None
        found = tuple(one.attachment.url for one in seen.page.attached)
        assert len(found) == 2
        assert found[int(seen.page.itself) :] == files_of(seen.page, files)


async def test_an_announcement_with_its_document_through_the_collector(tmp_path: Path, server: FeedServer) -> None:
    """Official sources only: the press links to whatever it likes."""
    server.put("/qd.pdf", pdf([DECREE]), **PDF)
    server.put("/bai.html", article(linking("/qd.pdf")), **HTML)
    feeds = []
    for tier, name in ((1, "bo"), (2, "bao")):
        server.put(f"/{name}.rss", rss([Post(1, link=server.url(f"/{name}/cu"))]))
        found = source(name, server.url(f"/{name}.rss"), f"{name}.example", full_text=True, interval=5.0)
        feeds.append(msgspec.structs.replace(found, tier=tier))
    settings = config(*feeds)
    async with opened(tmp_path) as log:
        await apply(log, settings)
        clock = SteppedClock(NOW)
        context = Context(log, clock, settings)
        task = asyncio.create_task(service.run(context))
        await _ticking(clock, lambda: all(server.statuses[f"/{n}.rss"].count(304) for n in ("bo", "bao")))
        for name in ("bo", "bao"):
            old = Post(1, link=server.url(f"/{name}/cu"))
            server.put(f"/{name}.rss", rss([Post(2, link=server.url("/bai.html")), old]))
        seen = [server.statuses["/bo.rss"], server.statuses["/bao.rss"]]
        await _ticking(clock, lambda: all(one.count(200) == 2 and one[-1] == 304 for one in seen))
        context.stop.set()
        await asyncio.wait_for(task, PATIENCE)
        by_tier = {i.tier: i for i in await items(log) if not i.baseline}
    official, press = by_tier[1], by_tier[2]
    assert [(a.url, a.outcome, a.pages) for a in official.attachments] == [(server.url("/qd.pdf"), "ok", 1)]
    assert "\n[Tệp đính kèm: qd.pdf]\nQUYẾT ĐỊNH\nĐiều 1. Giao Bộ Công an" in official.text
    assert (press.attachments, own_text(official.text)) == ([], press.text)
