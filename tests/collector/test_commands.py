from __future__ import annotations

from pathlib import Path

import pytest

from services.collector.commands import extract_inputs, extract_json, poll_urls, report_json
from tests.collector.build import Post, rss
from tests.collector.feedserver import FeedServer
from tests.collector.papers import pdf, word
from tinsom.errors import InputError, UnreachableError

DECREE = ["QUYẾT ĐỊNH", "Điều 1. Giao Bộ Công an chủ trì việc này, " + "phối hợp với các bộ khác, " * 14]
LEAD = "Đoạn dẫn của bài viết nói điều quan trọng nhất trước tiên."
PAGE = (
    f"<html lang='vi'><head><title>Tên bài</title><meta name='description' content='{LEAD}'>"
    "<meta property='article:published_time' content='2026-03-01T09:51:00&#x2B;07:00'></head><body><article>"
    + "".join(f"<p>Đoạn thân bài thứ {n}, đủ dài để được coi là nội dung của bài viết này.</p>" for n in range(9))
    + "</article></body></html>"
)


async def test_poll_reports_in_order_whatever_came(server: FeedServer) -> None:
    server.put("/rss", rss([Post(2), Post(1, date="Thu, 31 Dec 2099 10:00:00 GMT")]))
    server.put("/html", b"<!doctype html><html></html>")
    urls = [server.url(p) for p in ("/html", "/rss", "/none")]
    found = [report_json(r) for r in await poll_urls(urls, allow_private=True)]
    assert [(line["url"], line["outcome"]) for line in found] == list(
        zip(urls, ["html", "ok", "http_4xx"], strict=True)
    )
    entries = found[1]["entries"]
    assert entries[0] == {
        "id": "https://bao.example/?p=2",
        "link": "https://bao.example/tin-so-2-100002.htm",
        "title": "Tin số 2: bộ, ngành công bố kế hoạch thứ 2",
        "published_at": "2026-03-10T01:02:00+00:00",
        "date_quality": "exact",
        "summary": "Tóm tắt của tin số 2.",
    }
    assert entries[1]["date_quality"] == "future"


async def test_private_addresses_need_the_option(server: FeedServer) -> None:
    server.put("/rss", rss([Post(1)]))
    report = (await poll_urls([server.url("/rss")]))[0]
    assert report.look.outcome == "refused"
    assert server.asked["/rss"] == []


async def test_extract_of_files_and_addresses(server: FeedServer, tmp_path: Path) -> None:
    server.put("/bai", PAGE.encode(), Content_Type="text/html")
    file = tmp_path / "bai.html"
    file.write_text(PAGE)
    lines = [extract_json(r) for r in await extract_inputs([str(file), server.url("/bai")], allow_private=True)]
    for line in lines:
        assert (line["title"], line["description"], line["language"]) == ("Tên bài", LEAD, "vi")
        assert line["published_at"] == "2026-03-01T02:51:00+00:00"
        assert line["text"].startswith(LEAD)
        assert "thứ 8" in line["text"]


async def test_extract_of_documents(server: FeedServer, tmp_path: Path) -> None:
    server.put("/qd.pdf", pdf([DECREE]), Content_Type="application/pdf")
    (tmp_path / "qd.docx").write_bytes(word("Điều 1."))
    inputs = [server.url("/qd.pdf"), str(tmp_path / "qd.docx")]
    texts = [extract_json(r)["text"] for r in await extract_inputs(inputs, allow_private=True)]
    assert texts[0].startswith("QUYẾT ĐỊNH\nĐiều 1. Giao Bộ Công an")
    assert texts[1] == "Điều 1."


async def test_what_cannot_be_extracted_is_said_in_one_line(server: FeedServer, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        await extract_inputs([str(tmp_path / "none.html")])
    with pytest.raises(UnreachableError, match="refused"):
        await extract_inputs([server.url("/bai")])
