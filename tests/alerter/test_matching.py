"""What a subscription may ask for beyond subjects: score, tier, source, event, deadline window, burst, silence."""

from datetime import timedelta
from typing import Any

import pytest

from services.alerter import matching
from services.alerter.plan import Rules, plan
from services.alerter.rendering import Letter, mail_text, subject, telegram
from services.alerter.signals import notice
from tests.alerter import builders as b
from tinsom.messages import Alert, Event, Match, Mute, Signal, StoryChange, Suppression, Task


def task(deadline: str | None) -> Task:
    return Task(lead=[], co=[], action="báo cáo", deadline=deadline, precision="day", raw="…")


FOUND = b.tags(
    initiatives=[b.tag("de-an-06", score=5.0), b.tag("vneid", score=1.0)],
    events=[Event(type="conference")],
    tasks=[task("2025-06-14"), task("2025-06-20"), task("2025"), task(None)],
)


@pytest.mark.parametrize(
    ("match", "hits"),
    [
        (Match(initiatives=["de-an-06", "vneid"], min_score=2.0), ["initiative:de-an-06"]),
        (Match(initiatives=["vneid"], min_score=2.0), []),
        (Match(sources=["bao"]), ["source:bao"]),
        (Match(sources=["khac"]), []),
        (Match(sources=["bao"], tier=1), []),
        (Match(sources=["bao"], tier=2), ["source:bao"]),
        (Match(tier=2, min_score=1.0), []),  # they only narrow
        (Match(events=["conference", "launch"]), ["event:conference"]),
        (Match(events=["session"]), []),
        (Match(deadline_days=5), ["deadline:2025-06-20"]),
        (Match(deadline_days=4), []),
        (Match(initiatives=["de-an-06"], signals=["burst"]), []),  # bursts only
    ],
)
def test_matching(match: Match, hits: list[str]) -> None:
    item = b.item(tier=2)
    got = matching.hits(match, FOUND, item)
    assert [f"{hit.field}:{hit.id}" for hit in got] == hits
    assert bool(matching.unmet(match, FOUND, item)) == (not hits and match != Match(tier=2, min_score=1.0))


def signal_change(kind: str = "burst", about: str = "initiative:vneid", **changes: Any) -> StoryChange:
    signal = Signal(
        about=about, name="VNeID", observed=45, expected=4.5, window=10_800, since=b.NOW - timedelta(hours=3)
    )
    found = b.tags(initiatives=[b.tag("vneid"), b.tag("de-an-06", via="vneid")])
    fields = {"kind": kind, "story": f"{kind}-1", "signal": signal, "began_at": b.NOW - timedelta(hours=3)}
    return b.change(b.item(baseline=True, published_at=b.NOW - timedelta(days=9)), found, **fields | changes)


@pytest.mark.parametrize(
    ("change", "match", "told"),
    [
        (signal_change(), Match(initiatives=["vneid"], signals=["burst"]), True),
        (signal_change(), Match(initiatives=["de-an-06"], signals=["burst"]), True),  # the programme it is part of
        (signal_change(), Match(initiatives=["nq-57"], signals=["burst"]), False),
        (signal_change(), Match(signals=["burst", "silence"]), True),
        (signal_change(), Match(signals=["silence"]), False),
        (signal_change(), Match(initiatives=["vneid"]), False),  # nobody gets it unasked
        (signal_change(), Match(initiatives=["vneid"], places=["ha-noi"], signals=["burst"]), False),
        (signal_change("silence", "source:bao"), Match(sources=["bao"], signals=["silence"]), True),
        (signal_change("silence", "source:bao"), Match(sources=["khac"], signals=["silence"]), False),
        (signal_change("silence", "agency:bo-cong-an"), Match(agencies=["bo-cong-an"], signals=["silence"]), True),
    ],
)
def test_signals_go_to_who_asks_for_them(change: StoryChange, match: Match, told: bool) -> None:
    got = plan(change, [b.subscription(match=match, since=b.NOW)], Rules())
    assert [type(decision) for decision in got] == [Alert] * told


def test_who_mutes_a_subject_hears_of_no_burst_of_it() -> None:
    mute = Mute(id="m", match=Match(initiatives=["vneid"]), until=b.NOW + timedelta(days=1))
    follower = b.subscription(match=Match(signals=["burst"]))
    (got,) = plan(signal_change(), [follower], Rules(), mutes=[mute])
    assert isinstance(got, Suppression)
    assert got.reason == "muted"


@pytest.mark.parametrize(
    ("kind", "language", "says"),
    [
        ("burst", "vi", "VNeID: 45 tin trong 3 giờ, thường là 4,5"),
        ("silence", "vi", "VNeID: không có tin nào trong 3 giờ, thường là 4,5"),
        ("burst", "en", "VNeID: 45 items in 3 h, usually 4.5"),
        ("silence", "en", "VNeID: nothing in 3 h, usually 4.5"),
    ],
)
def test_what_a_signal_says(kind: str, language: Any, says: str) -> None:
    (alert,) = plan(
        signal_change(kind), [b.subscription(match=Match(signals=["burst", "silence"]))], Rules(language=language)
    )
    assert isinstance(alert, Alert)
    letter = Letter(alert, "Asia/Ho_Chi_Minh", language, b.NOW)
    assert subject(letter) == says
    for text in (telegram(letter)[0], mail_text(letter)):
        assert says in text
        assert "Bộ Công an triển khai Đề án 06" in text, "the last item, by name"
    assert ("dồn dập" in alert.reason or "im lặng" in alert.reason) == (language == "vi")


@pytest.mark.parametrize(("seconds", "says"), [(1_800, "30 phút"), (86_400, "24 giờ"), (259_200, "3 ngày")])
def test_windows_in_words(seconds: int, says: str) -> None:
    signal = Signal(about="source:x", name="X", observed=0, expected=12.4, window=seconds, since=b.NOW)
    assert notice("silence", signal, b.item(), "vi").title == f"X: không có tin nào trong {says}, thường là 12"
