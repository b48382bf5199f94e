"""What people read: complete, harmless, fitting."""

import os
import random
import unicodedata
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.alerter import rendering
from services.alerter.channels.email import headers
from services.alerter.rendering import Letter
from tests.alerter import builders as b
from tests.fakes.telegram.core import BotApi, Limits
from tinsom.messages import Alert, Difference, Fact, TaskLine

_NO_LIMITS = Limits(None, None, None)


def letter(alert: Alert | None = None, **changes: Any) -> Letter:
    fields: dict[str, Any] = {
        "alert": alert or b.alert(),
        "timezone": "Asia/Ho_Chi_Minh",
        "language": "vi",
        "decided_at": b.NOW,
    }
    return Letter(**fields | changes)


def full(**changes: Any) -> Alert:
    return b.alert(
        notice=b.notice(
            initiatives=["Đề án 06"], agencies=["Bộ Công an"], places=["Đồng Tháp"], documents=["06/QĐ-TTg"],
            tasks=[TaskLine(who=["Bộ Công an"], action="cấp thẻ", deadline="2025-06-30")], sources=3,
            published_at=datetime(2025, 6, 15, 7, 5, tzinfo=UTC), title="Tin <chính> & mới",
        ),
        **changes,
    )  # fmt: skip


def test_telegram_says_everything() -> None:
    (text,) = rendering.telegram(letter(full()))
    assert text == (
        '<b><a href="https://bao.vn/a">Tin &lt;chính&gt; &amp; mới</a></b>\n\n'
        "Mở đầu.\n\n"
        "<b>Sáng kiến:</b> Đề án 06\n<b>Cơ quan:</b> Bộ Công an\n<b>Địa phương:</b> Đồng Tháp\n"
        "<b>Văn bản:</b> 06/QĐ-TTg\n\n"
        "<b>Việc phải làm:</b>\n• Bộ Công an: cấp thẻ (hạn 30/06/2025)\n\n"
        "Nguồn: Báo Thử và 2 nguồn khác · 14:05 15/06/2025\n"
        "<i>Bạn theo dõi: Đề án 06 (sáng kiến)</i>"
    )


def test_a_body_that_begins_its_task_is_named_once() -> None:
    task = TaskLine(who=["Bộ Tư pháp"], action="Bộ Tư pháp theo dõi, báo cáo", deadline=None)
    (text,) = rendering.telegram(letter(b.alert(notice=b.notice(tasks=[task]))))
    assert "• Bộ Tư pháp theo dõi, báo cáo\n" in text


def test_english_by_setting() -> None:
    (text,) = rendering.telegram(letter(full(), language="en"))
    assert "<b>To do:</b>" in text
    assert "and 2 more sources" in text


@pytest.mark.parametrize(
    ("day", "language", "words"),
    [
        (8, "vi", "Nhắc hạn: còn 7 ngày"), (12, "vi", "Nhắc hạn: còn 3 ngày"), (14, "vi", "Nhắc hạn: còn 1 ngày"),
        (15, "vi", "Nhắc hạn: hạn là hôm nay"), (16, "vi", "Nhắc hạn: đã quá hạn"),
        (12, "en", "Reminder: 3 days left"), (14, "en", "Reminder: 1 day left"),
    ],
)  # fmt: skip
def test_a_reminder_says_how_many_days_are_left_and_who_must_do_what(day: int, language: str, words: str) -> None:
    task = TaskLine(who=["Bộ Công an"], action="cấp thẻ", deadline="2025-06-15")
    alert = b.alert(kind="deadline", notice=b.notice(tasks=[task]))
    # 08:00 in Hà Nội, when it is still the night before in London.
    decided = datetime(2025, 6, day, 1, 0, tzinfo=UTC)
    (text,) = rendering.telegram(letter(alert, language=language, decided_at=decided))
    assert text.startswith(f"<b>{words}</b>")
    assert "• Bộ Công an: cấp thẻ" in text


def test_a_repeat_says_so_with_a_reference() -> None:
    (text,) = rendering.telegram(letter(repeat=True))
    assert text.startswith("⚠️ <b>Có thể trùng #\u20600000</b>")


@pytest.mark.parametrize(
    ("kind", "word"), [("fact", "Cập nhật"), ("withdrawn", "Đã gỡ"), ("deadline", "Nhắc hạn")]
)
def test_what_happened_stands_first(kind: str, word: str) -> None:
    (text,) = rendering.telegram(letter(b.alert(kind=kind)))
    assert text.startswith(f"<b>{word}</b>\n")


def test_a_date_without_a_time_shows_no_time() -> None:
    midnight = datetime(2025, 6, 14, 17, 0, tzinfo=UTC)
    assert rendering.local_time(midnight, "Asia/Ho_Chi_Minh") == "15/06/2025"


def test_plain_text_has_no_markup_and_half_the_length() -> None:
    parts = rendering.telegram(letter(b.alert(notice=b.notice(lede="từ " * 2000, title="a<b>")), plain=True))
    assert all(len(part) <= 2048 for part in parts)
    assert parts[0].startswith("a<b>")


def test_mail_text_has_the_link_and_the_reason_last() -> None:
    text = rendering.mail_text(letter(full()))
    assert "Đọc bài gốc: https://bao.vn/a\n" in text
    assert text.endswith("--\nBạn theo dõi: Đề án 06 (sáng kiến)\n")
    assert "Tin <chính> & mới" in text


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def links(html: str) -> list[str]:
    parser = _Links()
    parser.feed(html)
    return parser.links


def test_mail_html_is_tables_without_remote_content() -> None:
    parser = _Links()
    parser.feed(html := rendering.mail_html(letter(full())))
    assert set(parser.links) == {"https://bao.vn/a"}
    assert not {"img", "script", "link", "style", "iframe", "form"} & set(parser.tags)
    assert 'lang="vi"' in html


# --- 10,000 hostile titles (`make soak`), a few hundred in `make test` -----------------------------------------

_PIECES = (
    "Đề án 06", unicodedata.normalize("NFD", "Nghị quyết số 57-NQ/TW"), "<b>", "</a>", "&amp;", "&#60;", '"', "'",
    "<", ">", "&", "<a href='https://evil.com'>", "evil.com", "http://evil.com/x", "@kenh", "#tag", "/start",
    "😀", "👨‍👩‍👧", "\u202e", "\u200b", "\ufeff", "\n", "\r\n", "\x00", "\ud83d", "شعر", "العربية", "\u2028",
    "t.me/x", "Bcc: a@b.vn", "x" * 300,
    "từ " * 50, "{{ 7*7 }}", "{% raw %}", "\\", "`", "*", "_", "[x](http://evil.com)", "tg://user?id=1",
)  # fmt: skip


OFFICIAL = "https://chinhphu.vn/vb?id=1"


def titles(count: int, seed: int = 6) -> list[str]:
    source = random.Random(seed)
    made = ["".join(source.choices(_PIECES, k=source.randint(1, 12))) for _ in range(count)]
    return [*made, "dài " * 2500, "y" * 10_000, "😀" * 5000, "", " ", "\n"]


def check(title: str, changed: bool) -> None:
    """The rules of one message, whatever its title; `changed`: it tells of a changed fact."""
    notice = b.notice(
        title=title, lede=title, source=title, agencies=[title], documents=[title], official_url=OFFICIAL,
        official_source=title, tasks=[TaskLine(who=[title], action=title, deadline=title)] * 12,
    )  # fmt: skip
    told = [Difference(field=field, before=[title], after=[title] * 3) for field in get_args(Fact)]
    kind, differences = ("fact", told) if changed else ("new", [])
    _check_alert(b.alert(reason=title, notice=notice, kind=kind, differences=differences))


def _check_alert(alert: Alert) -> None:
    api = BotApi(lambda: 0.0, _NO_LIMITS)
    for part in rendering.telegram(letter(alert)):
        assert unicodedata.is_normalized("NFC", part)
        reply = api.handle("sendMessage", {"chat_id": "1", "text": part, "parse_mode": "HTML"})
        assert reply.status == 200, reply.body
    linked = [e for m in api.accepted for e in m.entities if e.type not in ("b", "i")]
    assert {(e.type, e.url) for e in linked} <= {("text_link", "https://bao.vn/a"), ("text_link", OFFICIAL)}
    for part in rendering.telegram(letter(alert, plain=True)):
        assert api.handle("sendMessage", {"chat_id": "2", "text": part}).status == 200
    assert all(e.type in ("b", "i", "text_link") for m in api.accepted if m.chat_id == "2" for e in m.entities)
    assert set(links(rendering.mail_html(letter(alert)))) <= {"https://bao.vn/a", OFFICIAL}
    _check_headers(alert)


def _check_headers(alert: Alert) -> None:
    message = EmailMessage()
    for name, value in headers(letter(alert), "tinsom.vn").items():
        message[name] = value
    message.set_content("x")
    raw = message.as_bytes()
    names = [line.split(b":")[0] for line in raw.split(b"\n\n")[0].splitlines() if not line[:1].isspace()]
    assert len(names) == len(set(names)), names
    assert b"Bcc" not in names


def test_hostile_titles() -> None:
    for number, title in enumerate(titles(int(os.environ.get("TINSOM_TITLES", "150")))):
        check(title, changed=number % 2 == 1)


@pytest.mark.soak
def test_ten_thousand_hostile_titles() -> None:
    for number, title in enumerate(titles(10_000, seed=7)):
        check(title, changed=number % 2 == 1)


@settings(max_examples=60)
@given(st.text(max_size=400), st.booleans())
def test_any_title(title: str, changed: bool) -> None:
    check(title, changed)
