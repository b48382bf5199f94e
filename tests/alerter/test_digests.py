"""Now or in a digest; frozen lists; each step of a digest crashed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from services.alerter import digests, lanes, ledger, rendering
from services.alerter.book import Book, Rate
from services.alerter.channels import BeforeWrite
from services.alerter.channels.email import EmailChannel
from services.alerter.ledger import Policy
from services.alerter.rendering import Digest
from services.alerter.responses import Answer, Verdict
from tests.alerter import builders as b
from tests.alerter import virtual
from tests.alerter.test_rendering import links, titles
from tests.alerter.virtual import VIRTUAL_TIME, chats, dies_at, start
from tests.fakes.telegram.core import NO_LIMITS, BotApi, Limits
from tinsom.config import EmailConfig
from tinsom.messages import Alert, Delivery, Priority, TaskLine

P, T = Policy(), b.NOW_S  # 15:00 in Hà Nội, a Sunday
NONE = Rate(0, 0, 0.0)
NIGHT = datetime(2025, 6, 15, 16, 0, tzinfo=UTC).timestamp()  # 23:00 in Hà Nội
SLEEPS: dict[str, Any] = {"quiet": ["22:00-06:30"]}


@pytest.mark.parametrize(
    ("priority", "settings", "now", "rate", "reason"),
    [
        ("normal", {}, T, NONE, None),
        ("normal", SLEEPS, NIGHT, NONE, "quiet_hours"),
        ("low", SLEEPS, NIGHT, NONE, "quiet_hours"),
        ("urgent", SLEEPS, NIGHT, NONE, None),
        ("urgent", SLEEPS | {"breakthrough": False}, NIGHT, NONE, "quiet_hours"),
        ("low", {}, T, NONE, "low_priority"),
        ("normal", {"gathered": True}, T, NONE, "gathered"),
        ("urgent", {"gathered": True}, T, NONE, None),
        ("normal", {"budget": 5}, T, Rate(4, 4, 0.0), None),
        ("normal", {"budget": 5}, T, Rate(5, 5, 0.0), "budget"),
        ("urgent", {"budget": 5}, T, Rate(500, 500, 0.0), None),
        ("normal", {}, T, Rate(500, 500, 3600.0), None),
        ("normal", {}, T, Rate(20, 40, 3 * 86_400.0), "flood"),
        ("normal", {}, T, Rate(19, 40, 3 * 86_400.0), None),
        ("normal", {}, T, Rate(40, 40 + 24 * 10, 86_400.0), None),
    ],
)
def test_now_or_later(
    priority: Priority, settings: dict[str, Any], now: float, rate: Rate, reason: lanes.Reason | None
) -> None:
    assert lanes.on_arrival(priority, b.destination(**settings), now, rate) == reason


def test_when_its_digest_is_due() -> None:
    def local(reason: lanes.Reason, now: float) -> datetime:
        return lanes.due(reason, b.destination(**SLEEPS), now)

    assert local("quiet_hours", NIGHT) == datetime(2025, 6, 15, 23, 30, tzinfo=UTC)
    assert local("low_priority", T) == datetime(2025, 6, 16, 0, 30, tzinfo=UTC)
    assert local("budget", T + 5) == datetime(2025, 6, 15, 9, 0, tzinfo=UTC)


def test_a_turn_that_comes_too_late_or_at_night() -> None:
    delivery = ledger.accepted(b.alert(), T)
    place = b.destination(**SLEEPS)
    assert lanes.at_sending(delivery, place, T + 60, P.late_after) is None
    assert lanes.at_sending(delivery, place, T + P.late_after + 1, P.late_after) == "late"
    assert lanes.at_sending(delivery, place, NIGHT, P.late_after) == "quiet_hours"
    urgent = ledger.accepted(b.alert(priority="urgent"), T)
    assert lanes.at_sending(urgent, place, NIGHT, P.late_after) is None


# --- what is in it -------------------------------------------------------------------------------------------


def waiting(number: int, due: float = T, **changes: object) -> Delivery:
    return ledger.to_digest(ledger.accepted(b.alert(number, **changes), T), "low_priority", ledger.when(due), T)


def book_of(*deliveries: Delivery) -> Book:
    book = Book()
    for delivery in deliveries:
        book.put(delivery)
    return book


def test_a_list_is_frozen_when_it_is_due() -> None:
    book = book_of(waiting(1), waiting(2), waiting(3, due=T + 3600), waiting(4, destination="khac"))
    digest = digests.frozen("nhom", book, T)
    assert digest is not None
    assert [int(i, 16) for i in digest.digest] == [1, 2]
    book.put(digest)
    book.put(waiting(5))
    assert digests.frozen("nhom", book, T) is None, "one at a time"
    assert book.ripe(T) == ["khac"]
    assert [int(e.alert.id, 16) for e in digests.entries(digest, book)] == [1, 2]


def test_more_than_one_digest_holds() -> None:
    book = book_of(*[waiting(n) for n in range(digests.MOST + 5)])
    digest = digests.frozen("nhom", book, T)
    assert digest is not None
    assert len(digest.digest) == digests.MOST


def doubtful(number: int) -> Delivery:
    sending = ledger.begun(ledger.accepted(b.alert(number), T), T, T, P)
    return digests.timed(ledger.doubted(sending, "no_answer", T, P), b.destination(), T)


def test_what_is_in_doubt_heads_the_next_one_marked() -> None:
    book = book_of(waiting(1, due=T + 86_400), doubtful(2))
    assert digests.frozen("nhom", book, T) is None
    digest = digests.frozen("nhom", book, T + 86_400)
    assert digest is not None
    first, second = digests.entries(digest, book)
    assert (first.alert.id, first.doubtful) == (f"{2:032x}", True)
    assert (second.alert.id, second.doubtful) == (f"{1:032x}", False)


def result(state: str, book: Book, digest: Delivery) -> dict[str, tuple[str, str]]:
    ended = ledger.closed(digest, state, "x", T)  # type: ignore[arg-type]
    return {
        d.alert_id: (d.state, d.history[-1].reason) for d in digests.consequences(ended, book, b.destination(), T)
    }


def test_what_a_result_means_for_each() -> None:
    book = book_of(waiting(1))
    digest = digests.frozen("nhom", book, T)
    assert digest is not None
    one = f"{1:032x}"
    assert result("sent", book, digest) == {one: ("digested", digest.alert_id)}
    assert result("failed", book, digest) == {one: ("failed", "x")}
    assert result("ambiguous", book, digest) == {one: ("pending", "digest_in_doubt")}
    assert result("sending", book, digest) == {}


def test_a_digest_in_doubt_is_made_again_and_marked() -> None:
    book = book_of(waiting(1))
    digest = digests.frozen("nhom", book, T)
    assert digest is not None
    book.put(digest)
    unknown = ledger.doubted(ledger.begun(digest, T, T, P), "no_answer", T, P)
    for delivery in [unknown, *digests.consequences(unknown, book, b.destination(), T)]:
        book.put(delivery)
    assert book.count("ambiguous") == 0
    again = digests.frozen("nhom", book, T + 86_400)
    assert again is not None
    assert [e.doubtful for e in digests.entries(again, book)] == [True]
    assert again.alert_id != digest.alert_id


def digest_of(book: Book, **changes: Any) -> Digest:
    frozen = digests.frozen("nhom", book, T)
    assert frozen is not None
    fields: dict[str, Any] = {
        "id": frozen.alert_id, "destination": "nhom", "entries": digests.entries(frozen, book),
        "timezone": "Asia/Ho_Chi_Minh", "language": "vi", "decided_at": b.NOW,
    }  # fmt: skip
    return Digest(**fields | changes)


def test_the_text() -> None:
    task = TaskLine(who=["Bộ Công an"], action="x", deadline="2025-06-30")
    book = book_of(
        waiting(1, notice=b.notice(title="Tin <một>", initiatives=["Đề án 06"], sources=3)),
        waiting(2, notice=b.notice(title="Tin hai", tasks=[task])),
        ledger.doubted(ledger.begun(ledger.accepted(b.alert(3), T), T, T, P), "no_answer", T, P),
    )
    (text,) = rendering.telegram_digest(digest_of(book))
    assert text == (
        "<b>Bản tin tổng hợp 15:00 15/06/2025: 3 tin</b>\n\n"
        "<b>Chưa chắc đã đến nơi (có thể trùng)</b>\n"
        '• <a href="https://bao.vn/a">Tin số 3</a> (Báo Thử · 15:00 15/06/2025) #\u20600000\n\n'
        "<b>Có thời hạn</b>\n"
        '• <a href="https://bao.vn/a">Tin hai</a> (Báo Thử · 15:00 15/06/2025 · hạn 30/06/2025)\n\n'
        "<b>Đề án 06</b>\n"
        '• <a href="https://bao.vn/a">Tin &lt;một&gt;</a> (Báo Thử · 15:00 15/06/2025 · và 2 nguồn khác)\n'
    ).rstrip("\n")


def test_two_hundred_items_in_one_mail() -> None:
    """Requirement 12: below 90 KB, tables only, every link in the text part."""
    long = "Bộ Công an triển khai Đề án 06 tại các địa phương và hướng dẫn người dân thực hiện dịch vụ công"
    notices = [b.notice(title=long, url=f"https://bao.vn/{n}", initiatives=[f"Đề án {n % 9}"]) for n in range(200)]
    book = book_of(*[waiting(n, notice=notice) for n, notice in enumerate(notices)])
    digest = digest_of(book)
    html = rendering.digest_html(digest)
    assert len(html.encode()) < 90_000
    assert sorted(links(html)) == sorted(f"https://bao.vn/{n}" for n in range(200))
    text = rendering.digest_text(digest)
    assert all(f"  https://bao.vn/{n}\n" in text for n in range(200))
    channel = EmailChannel(EmailConfig(host="localhost", tls="none", sender="tin@tinsom.vn"))
    (part,) = channel.render_digest(digest, b.destination(channel="email"))
    headers = dict(part.headers)
    assert headers["Subject"] == "Bản tin tổng hợp 15:00 15/06/2025: 200 tin"
    assert headers["List-ID"] == "<nhom.digest.tinsom.tinsom.vn>"


def test_hostile_titles_in_digests() -> None:
    made = titles(60, seed=3)
    book = book_of(*[waiting(n, notice=b.notice(title=t, source=t, initiatives=[t])) for n, t in enumerate(made)])
    api = BotApi(lambda: 0.0, NO_LIMITS)
    for plain in (False, True):
        for part in rendering.telegram_digest(digest_of(book, plain=plain)):
            body = {"chat_id": str(plain), "text": part} | ({} if plain else {"parse_mode": "HTML"})
            assert api.handle("sendMessage", body).status == 200
    found = {(e.type, e.url) for m in api.accepted for e in m.entities if e.type not in ("b", "i")}
    assert found == {("text_link", "https://bao.vn/a")}
    assert set(links(rendering.digest_html(digest_of(book)))) == {"https://bao.vn/a"}


# --- at work, in virtual time -------------------------------------------------------------------------------


@VIRTUAL_TIME
async def test_a_night_ends_in_one_digest_and_urgent_breaks_through() -> None:
    """Requirement 16."""
    world = await start(chats("a", **SLEEPS))
    await asyncio.sleep(NIGHT - T)
    await world.arrive(*[b.alert(n, destination="a") for n in range(1, 13)])
    await world.arrive(b.alert(99, destination="a", priority="urgent"))
    await asyncio.sleep(600)
    assert [t.split("\n")[0] for t in world.api.texts(1000)] == ["Tin số 99"]
    await asyncio.sleep(8 * 3600)
    messages = [m for m in world.api.accepted if m.chat_id == "1000"][1:]
    assert len(messages) == 1
    assert 0 <= messages[0].at - datetime(2025, 6, 15, 23, 30, tzinfo=UTC).timestamp() < 10
    assert all(f"Tin số {n} (" in messages[0].text for n in range(1, 13))
    assert world.states() == {"digested": 12, "sent": 2}
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_a_budget_holds_and_the_rest_is_digested_within_the_hour() -> None:
    """Requirement 5: 5,000 in a minute for one group; urgent at once; everything accounted for."""
    world = await start(chats("a", address="-5", budget=30))
    for n in range(50):
        await world.arrive(*[b.alert(n * 100 + k, destination="a") for k in range(100)])
        if n == 25:
            began = world.clock.now()
            await world.arrive(b.alert(9999, destination="a", priority="urgent"))
        await asyncio.sleep(1.2)
    while not any("Tin số 9999" in t for t in world.api.texts(-5)):
        await asyncio.sleep(0.1)
    urgent_at = next(m.at for m in world.api.accepted if "Tin số 9999" in m.text)
    assert urgent_at - began <= 10
    await asyncio.sleep(3600)
    await world.settle()
    digests_sent = [d for d in world.log.deliveries().values() if d.digest]
    assert world.states() == {"sent": 31 + len(digests_sent), "digested": 4970}
    times = [m.at for m in world.api.accepted]
    assert max(sum(t <= u < t + 60 for u in times) for t in times) <= 20
    assert {status for _, status in world.api.requests} == {200}
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_a_chat_that_must_wait_long_gets_a_digest() -> None:
    """Requirement 3: retry_after 10,072 s."""
    world = await start(chats("a", "b"))
    world.api.retry_after = 10_072
    await world.arrive(*[b.alert(n, destination="a") for n in range(1, 6)])
    await asyncio.sleep(60)
    assert {d.lane for d in world.log.deliveries().values()} == {"digest"}
    await asyncio.sleep(12_000)
    assert len(world.api.accepted) == 1
    assert world.api.early == 0
    assert world.states() == {"digested": 5, "sent": 1}
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_doubt_is_settled_by_the_next_digest() -> None:
    world = await start(chats("a", digest="hourly"))
    world.api.chat(1000).faults = ["accept_hang"]
    await world.arrive(b.alert(1, destination="a"))
    await asyncio.sleep(3700)
    await world.settle()
    assert world.states() == {"digested": 1, "sent": 1}
    assert "Chưa chắc đã đến nơi" in world.api.texts(1000)[-1]
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_the_owner_is_told_when_a_chat_takes_nothing_any_more() -> None:
    """Requirement 6: on another channel, within 60 s; once."""
    people = [
        b.destination("a", channel="telegram", address="1", owner="truc-ban"),
        b.destination("truc-ban", channel="telegram", address="2"),
    ]
    world = await start(people)
    world.api.chat(1).blocked = "bot was blocked by the user"
    await world.arrive(*[b.alert(n, destination="a") for n in range(1, 4)])
    await asyncio.sleep(30)
    assert len(world.api.texts(2)) == 1
    assert "Nơi nhận “a” không nhận tin nữa" in world.api.texts(2)[0]
    assert "blocked" in world.api.texts(2)[0]
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_a_change_replies_to_the_first_message() -> None:
    world = await start(chats("a"))
    seen = []
    send = world.channel.call

    async def call(method: str, body: dict[str, Any], before_write: BeforeWrite) -> Answer:
        seen.append(body.get("reply_parameters"))
        return await send(method, body, before_write)

    world.channel.call = call
    await world.arrive(b.alert(1, destination="a", story="s"))
    await world.settle()
    await world.arrive(b.alert(2, destination="a", story="s", kind="fact", revision=2))
    await world.settle()
    assert seen == [None, {"message_id": 1, "allow_sending_without_reply": True}]
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
async def test_pause_holds_everything_and_resume_lets_it_go() -> None:
    from services.alerter.catalogue import pause_output

    world = await start(chats("a"))
    world.log.written.append(pause_output(True, 0))
    await world.stage.tools.destinations.refresh()
    await world.arrive(*[b.alert(n, destination="a") for n in range(3)])
    await asyncio.sleep(120)
    assert world.api.accepted == []
    world.log.written.append(pause_output(False, 0))
    await world.stage.tools.destinations.refresh()
    await world.settle()
    assert world.states() == {"sent": 3}
    await world.stage.lost(world.partition)


@VIRTUAL_TIME
@pytest.mark.parametrize("commits", range(1, 9))
async def test_a_crash_at_any_step_of_a_digest(commits: int) -> None:
    """Requirement 12: once per window even with a crash at each of its steps."""
    for moment in ("before", "after"):
        world = await start(chats("a", digest="hourly"), limits=Limits(None, None, None))
        died = dies_at(world, commits, moment)
        three = [b.alert(n, destination="a", priority="low") for n in range(1, 4)]
        arriving = asyncio.create_task(world.arrive(*three))
        await asyncio.wait([asyncio.create_task(died.wait())], timeout=4000)
        arriving.cancel()
        await asyncio.gather(arriving, return_exceptions=True)
        await world.kill()
        await _settled_by_successor(world, three)


async def _settled_by_successor(world: virtual.World, three: list[Alert]) -> None:
    successor = await start([], log=world.log, api=world.api, limits=Limits(None, None, None))
    await successor.arrive(*three)
    await asyncio.sleep(3 * 3600)
    await successor.settle()
    states = successor.states()
    assert states.pop("digested") == 3
    assert sum(states.values()) <= 2, states
    assert len(world.api.accepted) <= 2
    if len(world.api.accepted) == 2:
        assert "Chưa chắc đã đến nơi" in world.api.accepted[1].text
    assert world.api.duplicates("Chưa chắc") == {}
    await successor.stage.lost(successor.partition)


def test_a_delivered_digest_is_a_delivery_like_any_other() -> None:
    book = book_of(waiting(1))
    digest = digests.frozen("nhom", book, T)
    assert digest is not None
    sent = ledger.concluded(ledger.begun(digest, T, T, P), Verdict("delivered", message_id="5"), 1, T, T, P)
    assert (sent.state, sent.message_ids, sent.digest) == ("sent", ["5"], digest.digest)
