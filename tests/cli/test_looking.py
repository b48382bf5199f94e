"""poll, extract, sources: one line of JSON for each input and nothing else on stdout, whatever comes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.cli import shared
from tests.cli.conftest import Site
from tests.cli.running import Command
from tinsom.screen import Screen

FEED = (
    '<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>t</title><link>http://x/</link>'
    "<description>d</description>"
    "<item><title>[Ảnh] Đề án 06 \x1b[31m</title><link>http://x/1</link><guid>g1</guid>"
    "<description>Mô tả.</description><pubDate>Wed, 14 Oct 2026 01:00:00 GMT</pubDate></item>"
    "<item><title>Hai</title><link>http://x/2</link></item></channel></rss>"
).replace("\x1b", "&#27;")
PAGE = (
    "<html lang='vi'><head><title>Tiêu đề</title><meta property='og:title' content='Tiêu đề'>"
    "<meta property='og:description' content='Mô tả của trang.'></head><body><article><h1>Tiêu đề</h1>"
    + "<p>Đoạn văn đủ dài để được coi là nội dung của một bài báo, không phải là một lời chú thích.</p>" * 3
    + "</article></body></html>"
)
RSS, HTML = "application/rss+xml", "text/html; charset=utf-8"


@pytest.fixture(autouse=True)
def served(site: Site) -> None:
    site["/rss"] = (200, RSS, FEED.encode())
    site["/page"] = (200, HTML, PAGE.encode())
    site["/old"] = (410, "text/plain", b"")


def test_poll_json_is_one_line_for_each_source_in_order(tinsom: Command, site: Site) -> None:
    urls = [f"{site.base}/rss", f"{site.base}/page", f"{site.base}/old", "no address", "http://127.0.0.1:1/"]
    result = tinsom("poll", *urls, "--json", "--allow-private")
    assert (result.code, result.err) == (3, "")
    assert [row["url"] for row in result.json] == urls
    assert [row["outcome"] for row in result.json] == ["ok", "html", "gone", "refused", "connection"]
    first, second = result.json[0]["entries"]
    assert (first["id"], first["link"], first["published_at"]) == ("g1", "http://x/1", "2026-10-14T01:00:00+00:00")
    assert first["title"].startswith("[Ảnh] Đề án 06")
    assert (first["date_quality"], first["summary"]) == ("exact", "Mô tả.")
    assert (second["id"], second["published_at"], second["date_quality"]) == ("http://x/2", None, "missing")
    assert all(set(row) == {"url", "outcome", "entries"} for row in result.json)


def test_poll_of_good_sources_is_code_0_and_of_a_bad_one_code_1(tinsom: Command, site: Site) -> None:
    assert tinsom("poll", f"{site.base}/rss", "--allow-private").code == 0
    assert tinsom("poll", f"{site.base}/rss", f"{site.base}/old", "--allow-private").code == 1


def test_poll_of_what_is_no_address_says_so(tinsom: Command) -> None:
    assert tinsom("poll", "baochinhphu.vn/rss").out == (
        "baochinhphu.vn/rss: refused (not an http or https address)\n"
    )


def test_poll_for_people_shows_what_would_be_kept_and_why(tinsom: Command, site: Site) -> None:
    result = tinsom("poll", f"{site.base}/rss", "--allow-private")
    assert result.lines[0].startswith(f"{site.base}/rss: ok; status 200, ")
    assert result.lines[0].endswith("; 2 entries")
    assert result.lines[1].split("\t") == ["published", "date", "kept", "title", "link"]
    assert result.lines[2].split("\t")[1:3] == ["exact", "baseline"]
    assert "[Ảnh] Đề án 06" in result.lines[2]  # brackets are no markup
    assert "\x1b" not in result.out  # and nobody's title moves the cursor
    site["/rss"] = (200, RSS, FEED.replace("<item><title>Hai</title><link>http://x/2</link></item>", "").encode())
    assert tinsom("poll", f"{site.base}/rss", "--allow-private").lines[0].endswith("; 1 entry")


def test_a_private_address_is_refused_with_the_option_that_allows_it(tinsom: Command, site: Site) -> None:
    result = tinsom("poll", f"{site.base}/rss")
    assert result.code == 1
    assert "refused" in result.out
    assert "--allow-private" in result.out


def test_a_source_with_a_private_address_is_refused_with_the_setting_that_allows_it(
    tinsom: Command, site: Site, folder: Path
) -> None:
    (folder / "tinsom.yaml").write_text(f"sources: [{{id: a, url: '{site.base}/rss'}}]\n")
    result = tinsom("sources", "check")
    assert result.code == 1
    assert "collector.allow_private" in result.out


def test_extract_json_is_one_line_for_each_input_whatever_becomes_of_it(
    tinsom: Command, site: Site, folder: Path
) -> None:
    (folder / "a.html").write_text(PAGE)
    (folder / "empty.html").write_text("")
    inputs = ["a.html", "nosuch.html", "empty.html", f"{site.base}/page", f"{site.base}/old"]
    result = tinsom("extract", *inputs, "--json", "--allow-private")
    assert [row["input"] for row in result.json] == inputs
    assert all(list(row) == list(result.json[0]) for row in result.json)
    assert set(result.json[0]) == {
        *("input", "title", "text", "description", "published_at", "author", "language", "canonical"),
    }
    assert [row["title"] for row in result.json] == ["Tiêu đề", "", "", "Tiêu đề", ""]
    assert "Đoạn văn đủ dài" in result.json[0]["text"]
    assert result.code == 3
    assert [line.split(": ")[1] for line in result.err.splitlines()] == [
        "cannot read nosuch.html",
        "empty.html",
        f"{site.base}/old",
    ]


def test_extract_for_people_shows_data_then_text(tinsom: Command, folder: Path) -> None:
    (folder / "a.html").write_text(PAGE)
    result = tinsom("extract", "a.html")
    assert (result.code, result.err) == (0, "")
    assert result.lines[:2] == ["input: a.html", "title: Tiêu đề"]
    assert "" in result.lines


def test_extract_tries_the_selectors_of_a_source(tinsom: Command, folder: Path) -> None:
    (folder / "a.html").write_text(PAGE)
    (folder / "tinsom.yaml").write_text(
        "sources:\n- {id: a, url: 'https://a.example/', page: {body: article, title: h1}}\n"
        "- {id: b, url: 'https://b.example/', page: {body: .khac}}\n- {id: c, url: 'https://c.example/'}\n"
    )
    fits = tinsom("extract", "a.html", "--source", "a", "--json")
    assert (fits.code, fits.err) == (0, "")
    assert (fits.json[0]["title"], fits.json[0]["text"].count("Đoạn văn")) == ("Tiêu đề", 3)
    other = tinsom("extract", "a.html", "--source", "b", "--json")
    assert (other.code, other.err.strip()) == (1, "tinsom: a.html: the selectors of b do not fit this page")
    assert "Đoạn văn" in other.json[0]["text"]
    assert "has no `page` selectors" in tinsom.fails("extract", "a.html", "--source", "c", code=1)
    assert "there is no source 'd'" in tinsom.fails("extract", "a.html", "--source", "d", code=1)


def test_extract_of_a_missing_file_is_code_1(tinsom: Command) -> None:
    assert tinsom.fails("extract", "nosuch.html", code=1) == (
        "tinsom: cannot read nosuch.html: No such file or directory"
    )


def test_sources_list_and_check_read_the_configuration(tinsom: Command, site: Site, folder: Path) -> None:
    host = site.base
    (folder / "tinsom.yaml").write_text(
        "collector: {allow_private: [127.0.0.1]}\n"
        "sources:\n"
        f"  - {{id: a, url: '{host}/rss', name: Báo A, tier: 1}}\n"
        f"  - {{id: b, url: '{host}/page', publisher: b}}\n"
        f"  - {{id: c, url: '{host}/old', publisher: c, enabled: false}}\n"
    )
    listed = tinsom("sources", "list")
    assert [line.split("\t")[:4] for line in listed.lines[1:]] == [
        ["a", "1", "300 s", "Báo A"],
        ["b", "2", "300 s", ""],
        ["c", "2", "off", ""],
    ]
    checked = tinsom("sources", "check")
    assert checked.code == 1, checked
    assert [line.split("\t")[:3] for line in checked.lines[1:]] == [
        ["a", "ok", "2"],
        ["b", "html", "0"],
        ["c", "gone", "0"],
    ]
    assert "a page, not a feed" in checked.out


def test_no_source_is_said(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("")
    for command in ("list", "check"):
        result = tinsom("sources", command)
        assert (result.code, result.out, result.error) == (0, "", "tinsom.yaml names no source")


def test_discover_shows_the_feeds_of_a_page(tinsom: Command, site: Site) -> None:
    link = b"<html><head><link rel='alternate' type='application/rss+xml' href='/rss' title='t'></head></html>"
    site["/"] = (200, HTML, link)
    site["/bare"] = (200, HTML, b"<html><body>nothing</body></html>")
    result = tinsom("sources", "discover", f"{site.base}/", "--allow-private")
    assert result.code == 0
    assert result.lines[1].split("\t")[:3] == [f"{site.base}/rss", "ok", "2"]
    del site["/rss"]
    assert f"no feed found at {site.base}/bare" in tinsom.fails(
        "sources", "discover", f"{site.base}/bare", "--allow-private", code=1
    )
    assert "not an http or https address" in tinsom.fails("sources", "discover", "x", code=1)
    assert "connection" in tinsom.fails("sources", "discover", "http://127.0.0.1:1/", "--allow-private", code=3)


def test_opml_goes_out_and_comes_in_again(tinsom: Command, folder: Path) -> None:
    (folder / "tinsom.yaml").write_text("sources: [{id: a, url: 'http://a.test/rss', name: 'Báo \"A\" & B'}]\n")
    exported = tinsom("sources", "export-opml")
    assert (exported.code, exported.err) == (0, "")
    (folder / "mine.opml").write_text(exported.out, "utf-8")
    (folder / "empty.yaml").write_text("")
    imported = tinsom("sources", "import-opml", "mine.opml", "-c", "empty.yaml")
    (folder / "new.yaml").write_text("sources:\n" + imported.out, "utf-8")
    assert tinsom("check", "-c", "new.yaml").out == "new.yaml: no fault found\n"
    assert tinsom("sources", "list", "-c", "new.yaml").lines[1].split("\t")[3:5] == [
        'Báo "A" & B',
        "http://a.test/rss",
    ]
    again = tinsom("sources", "import-opml", "mine.opml")
    assert (again.out, again.error) == ("", "new: 0 of 1 feed; add the lines to `sources:` in tinsom.yaml")


def test_what_is_no_opml_is_one_line(tinsom: Command, folder: Path) -> None:
    (folder / "text").write_text("no")
    assert tinsom.fails("sources", "import-opml", "text", code=1).startswith("tinsom: text: this is no OPML file")
    assert "cannot read nosuch" in tinsom.fails("sources", "import-opml", "nosuch", code=1)


def test_a_table_on_a_narrow_terminal_cuts_no_address_and_has_no_empty_column(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(shared, "console", Screen(force_terminal=True, no_color=True, width=40))
    address = "https://a.test/" + "x" * 60
    shared.show(("id", "url", "tls"), [("a", address, "")])
    out = capsys.readouterr().out
    assert "tls" not in out
    assert address in "".join(re.findall(r"│[^│]*│ ([^│]*?) *│", out))
