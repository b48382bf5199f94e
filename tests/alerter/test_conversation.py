"""What readers say to the bot and what it makes of it, without a network."""

from __future__ import annotations

import pytest

from services.alerter.book import About
from services.alerter.bot import conversation, effects, settings
from services.alerter.bot.effects import STOPPED
from services.alerter.bot.past import Forecast
from tests.alerter import builders as b
from tests.alerter.talking import (
    ALERT,
    BUSY,
    INVITATION,
    Talk,
    anonymously,
    buttons,
    in_group,
    inside,
    press,
    say,
    shown,
)
from tinsom.messages import Mute, Subscription


def only_wish(talk: Talk) -> Subscription:
    (wish,) = talk.wishes.values()
    assert isinstance(wish, Subscription)
    return wish


# --- to come in -----------------------------------------------------------------------------------------------


def test_a_stranger_learns_his_own_number_and_nothing_else() -> None:
    talk = Talk()
    assert "<code>99</code>" in talk.says("/start", chat=99, person=99)
    assert talk.destinations == {}
    for text in ("/stop", "/list", "/help", "/follow Đề án 06", "xin chào", "", "/gì"):
        assert talk(say(text, chat=99, person=99)).outcome == "ignored"
    assert talk(press("f:i:de-an-06", chat=99, person=99)).outcome == "unknown"
    assert (talk.destinations, talk.wishes) == ({}, {})


def test_a_code_lets_in_and_a_wrong_one_does_not() -> None:
    talk = Talk()
    assert talk(say("/start sai-ma-roi")).outcome == "refused"
    assert {talk(say(text)).outcome for text in ("/start", "/start sai")} == effects.STRANGERS
    assert talk.destinations == {}
    effects_ = talk(say(f"/start {INVITATION}"))
    assert effects_.outcome == "entered"
    (to,) = talk.destinations.values()
    assert (to.address, to.channel, to.state) == ("7", "telegram", "active")
    assert "7" not in to.alias.removeprefix("tg-") or len(to.alias) == 15, "an alias is no address"
    assert "Đề án 06" in buttons(effects_)


def test_no_code_is_asked_of_whom_the_operator_named_and_an_empty_one_opens_nothing() -> None:
    talk = Talk()
    assert talk(say("/start", chat=55, person=55)).outcome == "entered"
    closed = Talk(door=effects.Door())
    assert closed(say("/start", chat=7)).outcome == "greeted"
    assert closed(say("/start x", chat=7)).outcome == "greeted"


def test_who_has_come_in_brings_a_group_along_if_he_looks_after_it() -> None:
    talk = inside()
    assert talk(say("/start@tinsom_bot", chat=-9)).outcome == "entered"
    talk.admin = False
    assert talk(say("/start", chat=-10)).outcome == "forbidden"
    talk.admin = True
    assert talk(say("/start", chat=-10, person=8)).outcome == "greeted", "a stranger does not"


def test_start_begins_again_and_says_so() -> None:
    talk = in_group()
    assert talk(say("/start", chat=-5)).learned is None
    talk.destinations["nhom"] = b.destination(
        channel="telegram", address="-5", state="suspended", reason="blocked"
    )
    again = talk(say("/start", chat=-5)).learned
    assert again is not None
    assert (again.state, again.reason) == ("active", "")


# --- to follow ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["Đề án 06", "de an 06", "ĐA06", "  đề   án 06 ", "\u0110e\u0302\u0300 a\u0301n 06"]
)
def test_a_name_however_it_is_written(text: str) -> None:
    talk = inside()
    assert "Đã theo dõi <b>Đề án 06</b>" in talk.says(f"/follow {text}")
    assert only_wish(talk).match.initiatives == ["de-an-06"]
    assert only_wish(talk).since is not None


@pytest.mark.parametrize(
    ("text", "field", "id_"),
    [
        ("Bộ Công an", "agencies", "bo-cong-an"),
        ("so y te dong thap", "agencies", "so-yte-dong-thap"),
        ("Đồng Tháp", "places", "dong-thap"),
        ("BCA", "agencies", "bo-cong-an"),
    ],
)
def test_agencies_and_places(text: str, field: str, id_: str) -> None:
    talk = inside()
    talk(say(f"/follow {text}"))
    assert getattr(only_wish(talk).match, field) == [id_]


def test_in_a_private_chat_a_name_alone_will_do() -> None:
    talk = inside()
    assert talk(say("vneid")).outcome == "followed"
    assert in_group()(say("vneid", chat=-5)).outcome == "ignored", "a group talks of other things"


def test_several_are_asked_back_and_a_button_chooses() -> None:
    talk = inside()
    asked = talk(say("/follow chuyển đổi số"))
    assert asked.outcome == "asked"
    assert talk.wishes == {}
    data = next(d for text, d in buttons(asked).items() if text.startswith("Chuyển đổi số quốc gia"))
    assert talk(press(data)).outcome == "followed"
    assert only_wish(talk).match.initiatives == ["cds-quoc-gia"]


def test_parent_and_children_are_a_button_away() -> None:
    talk = inside()
    assert "f:i:dinh-danh-dien-tu" in buttons(talk(say("/follow VNeID"))).values()
    assert "f:i:vneid" in buttons(talk(press("f:i:dinh-danh-dien-tu"))).values()


def test_what_no_longer_exists_leads_to_what_took_its_place() -> None:
    talk = inside()
    asked = talk(say("/follow Tiền Giang"))
    assert "Đồng Tháp (địa phương)" in buttons(asked)
    assert talk.wishes == {}


def test_what_has_no_name_is_a_keyword_or_a_document() -> None:
    talk = inside()
    asked = talk(say("/follow xe công vụ <b>"))
    assert list(buttons(asked).values()) == ["f:k:xe công vụ <b>"]
    talk(press("f:k:xe công vụ <b>"))
    talk(press("f:d:06/QĐ-TTg"))
    matches = [w.match for w in talk.wishes.values()]
    assert [m.keywords for m in matches] == [["xe công vụ <b>"], []]
    assert matches[1].documents == ["06/QĐ-TTg"]
    assert all("xe" not in key for key in talk.wishes), "no reader's words in a key"
    assert "dài quá" in talk.says("/follow " + "zxqzxq " * 40)


def test_the_rate_is_told_and_a_broad_subject_is_asked_first() -> None:
    talk = inside(forecast=BUSY)
    asked = talk(say("/follow Đề án 06"))
    assert asked.outcome == "asked"
    assert "khoảng 45 tin/ngày trong 30 ngày qua" in shown(asked)
    assert '<a href="https://bao.vn/1">Một tin &lt;b&gt;</a>' in shown(asked)
    assert talk.wishes == {}
    assert talk.presses("x") == "Vâng, giữ nguyên như cũ."
    talk(press("L:i:de-an-06"))
    assert only_wish(talk).priority == "low"
    talk(press("F:i:de-an-06"))
    assert only_wish(talk).priority == "normal"


@pytest.mark.parametrize(
    ("forecast", "words"),
    [
        (Forecast(900, 30.0, ()), "khoảng 30 tin/ngày trong 30 ngày qua"),
        (Forecast(12, 30.0, ()), "12 tin trong 30 ngày qua"),
        (Forecast(12, 2.4, ()), "khoảng 5 tin/ngày trong 2 ngày qua"),
        (Forecast(3, 0.1, ()), "khoảng 3 tin/ngày trong 1 ngày qua"),
        (Forecast(0, 30.0, ()), "chưa có tin nào trong 30 ngày qua"),
        (Forecast(0, 0.0, ()), "chưa đủ dữ liệu"),
    ],
)
def test_how_much_in_words(forecast: Forecast, words: str) -> None:
    assert words in inside(forecast=forecast).says("/follow Đề án 06")


def test_twice_is_once_and_there_is_an_end_to_it() -> None:
    talk = inside()
    talk(say("/follow Đề án 06"))
    before = dict(talk.wishes)
    assert "rồi" in talk.says("/follow đề án 06")
    assert talk.wishes == before
    for n in range(60):
        talk(press(f"f:k:từ {n}"))
    assert len(talk.wishes) == 50


def test_list_and_leave_off() -> None:
    talk = inside()
    assert "chưa theo dõi mục nào" in talk.says("/list")
    talk(say("/follow Đề án 06"))
    talk(say("/follow Đồng Tháp"))
    assert "• Đề án 06 (sáng kiến)\n• Đồng Tháp (địa phương)" in talk.says("/list")
    assert "u:place:dong-thap" in buttons(talk(say("/unfollow"))).values()
    assert "không theo dõi" in talk.says("/unfollow Hà Nội")
    assert "Đã thôi theo dõi" in talk.says("/unfollow dong thap")
    assert "Đã thôi theo dõi" in talk.presses("u:initiative:de-an-06")
    assert talk.presses("u:initiative:de-an-06") == "Nút này không còn dùng được."
    assert talk.wishes == {}


def test_what_the_operator_set_is_shown_and_stays() -> None:
    talk = in_group(wishes={"file/s": b.subscription()})
    assert "Đề án 06 (sáng kiến) – do quản trị đặt" in talk.says("/list", chat=-5)
    assert "do người quản trị đặt" in talk.says("/unfollow", chat=-5)
    assert talk.says("/unfollow Đề án 06", chat=-5)
    assert len(talk.wishes) == 1


# --- digest, quiet hours, mute --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "gathered", "rhythm", "at"),
    [
        ("ngày", True, "daily", "07:30"), ("ngày 06:45", True, "daily", "06:45"), ("7:00", True, "daily", "07:00"),
        ("giờ", True, "hourly", "07:30"), ("weekly", True, "weekly", "07:30"), ("tuần", True, "weekly", "07:30"),
        ("tắt", False, "daily", "07:30"), ("ngay", False, "daily", "07:30"), ("gửi ngay", False, "daily", "07:30"),
    ],
)  # fmt: skip
def test_digest(text: str, gathered: bool, rhythm: str, at: str) -> None:
    learned = inside()(say(f"/digest {text}")).learned
    assert learned is not None
    assert (learned.gathered, learned.digest, learned.digest_at) == (gathered, rhythm, at)


def test_digest_by_button_and_what_is_not_understood() -> None:
    talk = inside()
    assert set(buttons(talk(say("/digest"))).values()) == {"d:off", "d:hourly", "d:daily", "d:weekly"}
    assert "bản tin mỗi tuần, thứ Hai 07:30" in talk.presses("d:weekly")
    for text in ("mỗi phút", "25:00"):
        assert talk(say(f"/digest {text}")).learned is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("22:00-06:30", "22:00-06:30"), ("22h-6h30", "22:00-06:30"), ("22 - 6", "22:00-06:00"),
        ("22h đến 6h", "22:00-06:00"), ("từ", None), ("25-6", None), ("22", None), ("22-6-7", None),
        ("mon-fri 22:00-06:00", "mon-fri 22:00-06:00"), ("12g–13g30", "12:00-13:30"),
    ],
)  # fmt: skip
def test_quiet_hours_as_people_write_them(text: str, rule: str | None) -> None:
    assert settings.hours(text) == rule


def test_quiet_hours_are_set_shown_and_ended() -> None:
    talk = inside()
    talk(press(f"q:{settings.WEEKEND}"))
    talk(say("/quiet 22h-6h30"))
    talk(say("/quiet 23:00-06:00"))
    (to,) = talk.destinations.values()
    assert (to.quiet, to.chosen) == ([settings.WEEKEND, "23:00-06:00"], ["quiet"])
    assert "Thứ Bảy, Chủ nhật, 23:00-06:00" in talk.says("/list") or "chưa theo dõi" in talk.says("/list")
    talk(say("/quiet tắt"))
    (to,) = talk.destinations.values()
    assert to.quiet == []


@pytest.mark.parametrize(
    ("text", "hours"), [("3 ngày", 72), ("4 giờ", 4), ("1 tuần", 168), ("2d", 48), ("1 tháng", 720), ("2h", 2)]
)
def test_mute_with_its_length(text: str, hours: int) -> None:
    talk = inside()
    talk(say("/follow Đề án 06"))
    effects_ = talk(say(f"/mute đề án 06 {text}"))
    assert effects_.outcome == "muted"
    (rule,) = [w for w in talk.wishes.values() if isinstance(w, Mute)]
    assert rule.until.timestamp() == b.NOW_S + hours * 3600
    assert rule.author == talk.view().reader(7)
    assert rule.match.initiatives == ["de-an-06"]


def test_mute_by_buttons_and_back() -> None:
    talk = in_group(wishes={"file/s": b.subscription()}, forecast=BUSY)
    (data,) = buttons(talk(say("/mute", chat=-5))).values()
    asked = talk(press(data, chat=-5))
    assert "Lượng tin sẽ ẩn, nếu như trước: khoảng 45 tin/ngày" in shown(asked), "a mute shows what it would hide"
    lengths = buttons(asked)
    muted = talk(press(lengths["3 ngày"], chat=-5))
    assert "đến 15:00 18/06/2025" in shown(muted)
    assert "Tạm tắt: Đề án 06" in talk.says("/list", chat=-5)
    assert "Đã bật lại" in talk.presses(buttons(muted)["Bật lại"], chat=-5)
    assert list(talk.wishes) == ["file/s"]


def test_mute_of_what_is_not_followed_is_asked_back() -> None:
    talk = inside()
    assert "chưa theo dõi mục nào" in talk.says("/mute Hà Nội 3 ngày")
    talk(say("/follow Đề án 06"))
    assert "không theo dõi “Hà Nội”" in talk.says("/mute Hà Nội 3 ngày")


def test_a_setting_of_a_reader_holds_over_the_files() -> None:
    talk = in_group()
    learned = talk(press("q:22:00-06:30", chat=-5)).learned
    assert learned is not None
    assert (learned.quiet, learned.chosen) == (["22:00-06:30"], ["quiet"])


# --- stop -----------------------------------------------------------------------------------------------------


def test_stop_ends_a_readers_own_and_keeps_nothing() -> None:
    talk = inside(abouts={})
    talk(say("/follow Đề án 06"))
    talk(say("/mute Đề án 06 3 ngày"))
    (alias,) = talk.destinations
    talk.abouts[ALERT] = About(alias, "i1", ("initiative:de-an-06",))
    talk(press(f"v:+:{ALERT}"))
    assert len(talk.verdicts) == 1
    assert talk(say("/stop")).outcome == "stopped"
    assert (talk.destinations, talk.wishes, talk.verdicts) == ({}, {}, {})


def test_stop_in_a_chat_of_the_file_suspends_it_and_erases_what_was_wished_there() -> None:
    talk = in_group(wishes={"file/s": b.subscription()}, abouts={ALERT: About("nhom", "i1", ("a:b",))})
    talk(press("f:i:vneid", chat=-5))
    talk(press("q:22:00-06:30", chat=-5))
    talk(press(f"v:+:{ALERT}", chat=-5))
    talk(press(f"v:+:{ALERT}", chat=-5, person=8))
    talk(say("/stop@tinsom_bot", chat=-5))
    to = talk.destinations["nhom"]
    assert (to.state, to.reason, to.chosen) == ("suspended", STOPPED, [])
    assert list(talk.wishes) == ["file/s"]
    assert [v.reader for v in talk.verdicts.values()] == [talk.view().reader(8)], "what others judged is theirs"


# --- groups and topics ----------------------------------------------------------------------------------------

CHANGING = ["/follow Đề án 06", "/unfollow", "/digest ngày", "/quiet 22:00-06:30", "/mute", "/stop", "/start"]


@pytest.mark.parametrize("text", CHANGING)
def test_in_a_group_only_its_administrators_change_anything(text: str) -> None:
    talk = in_group(admin=False)
    effects_ = talk(say(text, chat=-5))
    assert (effects_.outcome, effects_.writes, effects_.learned) == ("forbidden", (), None)
    assert conversation.wants_admin(say(text, chat=-5))
    assert not conversation.wants_admin(say(text, chat=7)), "in a private chat nobody is asked"
    assert not conversation.wants_admin(anonymously(text, -5)), "only administrators can write as the group"
    talk.admin = True
    assert talk(anonymously(text, -5)).outcome not in ("forbidden", "ignored")


def test_in_a_group_anybody_may_look_and_judge() -> None:
    for text in ("/list", "/why", "/help"):
        assert not conversation.wants_admin(say(text, chat=-5))
        assert in_group(admin=False)(say(text, chat=-5)).outcome in ("shown", "unknown")
    for data in ("v:+:x", "a:+:x"):
        assert not conversation.wants_admin(press(data, chat=-5))
    assert conversation.wants_admin(press("f:i:de-an-06", chat=-5))
    assert in_group(admin=False)(press("f:i:de-an-06", chat=-5)).outcome == "forbidden"


def test_each_topic_of_a_forum_follows_its_own() -> None:
    talk = in_group()
    talk(say("/follow Đề án 06", chat=-5, message_thread_id=11, is_topic_message=True))
    talk(press("f:i:vneid", chat=-5, message_thread_id=12, is_topic_message=True))
    threads = {d.thread: d.alias for d in talk.destinations.values()}
    assert set(threads) == {None, 11, 12}
    followed = {w.destination: w.match.initiatives for w in talk.wishes.values()}
    assert followed == {threads[11]: ["de-an-06"], threads[12]: ["vneid"]}
    replied = talk(say("/list", chat=-5, message_thread_id=3))
    assert "chưa theo dõi" in shown(replied), "a thread of replies in a plain group is no topic"


def test_words_for_other_bots_and_other_people_are_left_alone() -> None:
    talk = in_group()
    assert talk(say("/stop@other_bot", chat=-5)).outcome == "ignored"
    assert talk(say("/weather", chat=-5)).outcome == "ignored"
    assert talk(say("/weather@tinsom_bot", chat=-5)).outcome == "unknown"
    assert inside().says("/weather") == "Tôi chưa hiểu lệnh này. Gửi /help để xem các lệnh."
