"""The bot on alerts that were told, or not: /why, judgements, deadlines taken note of."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.alerter.book import About
from services.alerter.bot.past import Because, Past, Seen
from services.alerter.bot.updates import Update
from services.alerter.plan import alert_id
from tests.alerter import builders as b
from tests.alerter.talking import (
    ALERT,
    Talk,
    buttons,
    in_group,
    inside,
    markup,
    press,
    say,
    shown,
)
from tests.fakes.telegram import markup as html
from tinsom.messages import Mute

# --- why ------------------------------------------------------------------------------------------------------


def known_alert() -> Talk:
    because = {"initiative:de-an-06": Because("title", "Đề án 06 <x>")}
    seen = Seen("Bộ Công an & <b>Đề án 06</b>", "https://bao.vn/1", "Báo Thử", because)
    about = About("nhom", "i1", ("initiative:de-an-06", "place:dong-thap", "keyword:<i>"))
    return in_group(abouts={ALERT: about}, latest={"nhom": ALERT}, items={"i1": seen})


def test_why_names_what_is_followed_and_the_words() -> None:
    text = known_alert().says("/why", chat=-5)
    assert "• Ở đây theo dõi <b>Đề án 06</b> (sáng kiến): tiêu đề có “Đề án 06 &lt;x&gt;”" in text
    assert "• Ở đây theo dõi <b>Đồng Tháp</b> (địa phương)" in text
    assert "Nguồn: Báo Thử" in text
    html.parse(text)


def test_why_of_the_message_that_is_answered() -> None:
    talk = known_alert()
    talk.abouts["b" * 32] = About("nhom", "i2", ("initiative:vneid",))
    under = say("x", chat=-5, reply_markup=markup({"👍": "v:+:" + "b" * 32})).message
    assert "VNeID" in shown(talk(say("/why", chat=-5, reply_to_message=under)))
    talk.abouts["b" * 32] = About("khac", "i2", ("initiative:vneid",))
    assert "Chưa có tin nào" in shown(talk(say("/why", chat=-5, reply_to_message=under))), "told to somebody else"


def remembered(**changes: Any) -> Past:
    past = Past()
    past.add(b.NOW_S, b.change(b.item(title="Đồng Tháp mở cổng dữ liệu", **changes)))
    return past


@pytest.mark.parametrize("asked", ["https://bao.vn/a?b=1&c=2", "dong thap cong du lieu", "Cổng dữ liệu"])
def test_why_something_did_not_come(asked: str) -> None:
    """By its address or by words of its title: what it is about can be followed with a press."""
    talk = inside(past=remembered())
    talk.items |= talk.past.items
    effects_ = talk(say(f"/why {asked}"))
    assert "Ở đây chưa theo dõi mục nào mà tin này nói đến" in shown(effects_)
    assert list(buttons(effects_).values()) == ["f:i:de-an-06", "f:p:dong-thap"]
    assert "chưa thấy tin này" in talk.says("/why cái gì đó khác")


@pytest.mark.parametrize(
    ("since", "item", "words"),
    [
        (b.NOW + timedelta(hours=1), {}, "bắt đầu trước khi"),
        (None, {"baseline": True}, "Tin có sẵn từ khi"),
        (None, {"published_at": b.NOW - timedelta(days=3)}, "Tin đã cũ"),
        (None, {}, "Tin này đã chọn cho nơi này"),
    ],
)
def test_why_it_was_suppressed(since: datetime | None, item: dict[str, Any], words: str) -> None:
    talk = in_group(wishes={"file/s": b.subscription(since=since)}, past=remembered(**item))
    talk.items |= talk.past.items
    assert words in talk.says("/why cổng dữ liệu", chat=-5)


def test_why_it_is_silent_and_that_it_came() -> None:
    talk = in_group(wishes={"file/s": b.subscription()}, past=remembered())
    talk.items |= talk.past.items
    sent = alert_id("nhom", b.change())
    talk.abouts[sent] = About("nhom", "i1", ("initiative:de-an-06",))
    assert "• Ở đây theo dõi <b>Đề án 06</b>" in talk.says("/why cổng dữ liệu", chat=-5)
    del talk.abouts[sent]
    talk(say("/mute Đề án 06 3 ngày", chat=-5))
    assert "đang tạm tắt" in talk.says("/why cổng dữ liệu", chat=-5)


# --- judgements and reminders ---------------------------------------------------------------------------------


def test_a_button_is_a_verdict_on_what_matched() -> None:
    talk = known_alert()
    effects_ = talk(press(f"v:-:{ALERT}", chat=-5))
    assert (effects_.outcome, shown(effects_)) == ("verdict", "Đã ghi nhận: không liên quan. Cảm ơn.")
    (verdict,) = talk.verdicts.values()
    assert (verdict.verdict, verdict.item, verdict.matched[0]) == ("irrelevant", "i1", "initiative:de-an-06")
    assert verdict.reader != "7"


def test_once_per_reader_and_alert_and_the_newest_holds() -> None:
    talk = known_alert()
    outcomes = [talk(press(f"v:{sign}:{ALERT}", chat=-5)).outcome for sign in "++-"]
    assert outcomes == ["verdict", "same", "verdict"]
    assert [v.verdict for v in talk.verdicts.values()] == ["irrelevant"]
    talk(press(f"v:+:{ALERT}", chat=-5, person=8))
    assert len(talk.verdicts) == 2


@pytest.mark.parametrize(
    "update",
    [
        press("v:+:" + "b" * 32, chat=-5), press(f"v:?:{ALERT}", chat=-5), press("v", chat=-5),
        press("", chat=-5), press(f"v:+:{ALERT}", chat=-6), press("M:99999:=s", chat=-5), press("q:nie", chat=-5),
        press("d:x", chat=-5),
        press("f:i:gibt-es-nicht", chat=-5), press("U:x", chat=-5), press("a:+:" + ALERT, chat=-5),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_changes_nothing(update: Update) -> None:
    effects_ = known_alert()(update)
    assert (effects_.outcome, effects_.writes, effects_.learned) == ("unknown", (), None)


def test_a_deadline_taken_note_of_is_kept_shown_and_taken_back() -> None:
    talk = known_alert()
    talk.abouts[ALERT] = About("nhom", "i1", ("initiative:de-an-06",), "viec-1 2025-06-30")
    keyboard = markup({"👍": f"v:+:{ALERT}"}, {"✅ Đã nắm": f"a:+:{ALERT}"})
    taken = talk(press(f"a:+:{ALERT}", chat=-5, person=8, markup=keyboard))
    (rule,) = talk.wishes.values()
    assert isinstance(rule, Mute)
    assert (rule.task, rule.deadline, rule.destination) == ("viec-1", "2025-06-30", "nhom")
    assert (rule.author, str(rule.until.date())) == (talk.view().reader(8), "2025-07-02")
    assert buttons(taken) == {"👍": f"v:+:{ALERT}", "✅ Lan đã nắm 15:00 · nhắc lại": f"a:-:{ALERT}"}
    back = talk(press(f"a:-:{ALERT}", chat=-5, markup=markup({"✅ Lan đã nắm": f"a:-:{ALERT}"})))
    assert (talk.wishes, buttons(back)) == ({}, {"✅ Đã nắm": f"a:+:{ALERT}"})
