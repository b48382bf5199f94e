"""One message per story: more sources change it, changed facts answer it, and nothing of that is a new ping."""

import asyncio
import itertools
from typing import Any

import pytest

from services.alerter import edits, ledger
from services.alerter.channels.recording import RecordingChannel
from tests.alerter import builders as b
from tests.alerter.virtual import VIRTUAL_TIME, World, chats, dies_at, start
from tests.fakes.telegram.core import NO_LIMITS, Reply
from tinsom.messages import Alert, Delivery, Difference

pytestmark = VIRTUAL_TIME
OFFICIAL = {"official_url": "https://chinhphu.vn/vb/1", "official_source": "Cổng Chính phủ"}


def echo(number: int, sources: int, **changes: Any) -> Alert:
    """One more paper has story s1; its own words are no news."""
    words = {"title": "Tựa khác", "url": f"https://b{number}.vn/", "sources": sources}
    notice = b.notice(**words | changes.pop("notice", {}))
    return b.alert(number, **{"story": "s1", "revision": number, "kind": "source", "notice": notice} | changes)


def reasons(world: World) -> dict[str, str]:
    """Number of an alert → how it ended."""
    newest = world.log.deliveries()
    return {str(int(i, 16)): f"{d.state} {d.history[-1].reason}".strip() for i, d in newest.items()}


async def told(**changes: Any) -> World:
    world = await start(chats("nhom", **changes))
    await world.arrive(b.alert(1))
    await world.settle()
    return world


async def test_another_source_edits_the_message_within_a_minute() -> None:
    world = await told()
    await world.arrive(echo(2, 2, notice=OFFICIAL))
    await asyncio.sleep(5)
    sent, edited = world.api.accepted
    assert (edited.method, edited.message_id) == ("editMessageText", sent.message_id)
    assert "Tin số 1" in edited.text
    assert "và 1 nguồn khác" in edited.text
    assert "Văn bản chính thức: Cổng Chính phủ" in edited.text
    assert "Tựa khác" not in edited.text
    assert edited.buttons == sent.buttons
    assert reasons(world) == {"1": "sent", "2": "sent"}
    await world.stage.lost(world.partition)


async def test_thirty_sources_are_one_message_and_an_edit_a_minute() -> None:
    """Requirement 15: the edits of a burst are made together, and the last says all."""
    world = await told()
    for number in range(2, 31):
        await world.arrive(echo(number, number, notice=OFFICIAL if number == 5 else {}))
        await asyncio.sleep(10)
    await world.settle()
    assert [m.method for m in world.api.accepted].count("sendMessage") == 1
    edits = [m for m in world.api.accepted if m.method == "editMessageText"]
    gaps = [later.at - earlier.at for earlier, later in itertools.pairwise(edits)]
    assert 4 <= len(edits) <= 6
    assert min(gaps) >= 60
    assert "và 29 nguồn khác" in edits[-1].text
    assert "Cổng Chính phủ" in edits[-1].text, "an edit that was replaced is in the one that replaced it"
    ends = list(reasons(world).values())
    assert set(ends) == {"sent", "suppressed edit_superseded"}
    assert world.book.rate("nhom", world.clock.now()).hour == 1, "edits are no messages to the budget"
    await world.stage.lost(world.partition)


async def test_what_was_not_sent_yet_says_it_at_once() -> None:
    world = await start(chats("nhom"))
    world.channel.down = True
    await world.arrive(b.alert(1), echo(2, 2))
    await world.arrive(echo(3, 3))
    await asyncio.sleep(30)
    world.channel.down = False
    await world.settle()
    (message,) = world.api.accepted
    assert "và 2 nguồn khác" in message.text
    assert reasons(world) == {"1": "sent", "2": "suppressed source_added", "3": "suppressed source_added"}
    await world.stage.lost(world.partition)


async def later(world: World, seconds: float) -> World:
    """A successor at that time: hours of an idle sender take seconds to play."""
    await world.stage.lost(world.partition)
    return await start([], log=world.log, api=world.api, base=b.NOW_S + seconds)


async def test_a_source_that_comes_while_the_message_is_on_its_way_edits_it() -> None:
    world = await start(chats("nhom"), latency=3.0)
    await world.arrive(b.alert(1))
    await asyncio.sleep(1)
    await world.arrive(echo(2, 2))
    await world.settle()
    assert [m.method for m in world.api.accepted] == ["sendMessage", "editMessageText"]
    assert reasons(world) == {"1": "sent", "2": "sent"}
    await world.stage.lost(world.partition)


async def test_a_message_that_never_arrived_is_not_edited() -> None:
    world = await start(chats("nhom"), latency=3.0)
    world.api.chat(1000).blocked = "bot was blocked by the user"
    await world.arrive(b.alert(1))
    await asyncio.sleep(1)
    await world.arrive(echo(2, 2))
    await world.settle()
    assert world.api.requests["1000", 403] == 1
    assert reasons(world) == {"1": "failed blocked", "2": "suppressed suspended"}
    await world.stage.lost(world.partition)


async def test_in_a_digest_the_count_is_the_newest() -> None:
    world = await start(chats("nhom"))
    await world.arrive(b.alert(1, priority="low"))
    await world.arrive(echo(2, 2, priority="low"))
    world = await later(world, 25 * 3600)
    await world.settle()
    await world.arrive(echo(3, 3, priority="low"))
    await world.settle()
    (digest,) = world.api.accepted
    assert "và 1 nguồn khác" in digest.text
    assert reasons(world)["3"] == "suppressed source_added"
    await world.stage.lost(world.partition)


async def test_nothing_new_is_no_request() -> None:
    world = await told()
    await world.arrive(echo(2, 1))
    await world.settle()
    assert world.channel.calls == 1
    assert reasons(world)["2"] == "suppressed source_added"
    await world.stage.lost(world.partition)


async def test_after_two_days_a_message_is_left_alone() -> None:
    world = await later(await told(), 47 * 3600)
    await world.arrive(echo(2, 2))
    await world.settle()
    world = await later(world, 49 * 3600)
    await world.arrive(echo(3, 3))
    await world.settle()
    assert reasons(world) == {"1": "sent", "2": "sent", "3": "suppressed source_added"}
    await world.stage.lost(world.partition)


async def test_a_channel_that_cannot_edit_is_silent() -> None:
    world = await start([b.destination()], more={})
    world.stage.tools.channels = {"recording": (recording := RecordingChannel())}
    await world.arrive(b.alert(1))
    await world.settle()
    await world.arrive(echo(2, 2))
    await world.settle()
    assert len(recording.sent) == 1
    assert reasons(world)["2"] == "suppressed source_added"
    await world.stage.lost(world.partition)


async def test_a_message_that_the_reader_deleted_stays_deleted() -> None:
    world = await told()
    world.api.accepted.clear()
    await world.arrive(echo(2, 2))
    await world.settle()
    assert world.api.accepted == []
    assert reasons(world)["2"] == "suppressed not_editable"
    await world.stage.lost(world.partition)


@pytest.mark.parametrize("fault", ["accept_hang", "hang", "accept_reset", "error_500"])
async def test_an_edit_in_doubt_is_made_again(fault: Any) -> None:
    world = await told()
    world.api.chat(1000).faults = [fault]
    await world.arrive(echo(2, 2))
    await world.settle()
    assert reasons(world)["2"] == ("sent unchanged" if fault.startswith("accept") else "sent")
    assert "và 1 nguồn khác" in world.api.accepted[-1].text
    assert len([m for m in world.api.accepted if m.method == "sendMessage"]) == 1
    await world.stage.lost(world.partition)


async def test_messages_go_before_edits() -> None:
    world = await start(chats("nhom"))
    await world.arrive(*[b.alert(n, story=f"t{n}") for n in range(1, 11)])
    await world.settle()
    await world.arrive(*[echo(20 + n, 2, story=f"t{n}") for n in range(1, 11)], b.alert(99))
    await asyncio.sleep(1.5)
    assert "Tin số 99" in world.api.accepted[10].text
    await world.settle()
    assert {status for _, status in world.api.requests} == {200}
    assert len(world.api.accepted) == 21
    await world.stage.lost(world.partition)


async def test_an_edit_makes_no_noise_at_night_and_waits_for_no_morning() -> None:
    world = await later(await told(quiet=["22:00-06:00"]), 8 * 3600)  # 15:00 in Hà Nội when it begins
    await world.arrive(echo(2, 2))
    await world.settle()
    assert world.api.accepted[-1].method == "editMessageText"
    await world.stage.lost(world.partition)


@pytest.mark.parametrize("commits", range(4))
async def test_a_crash_at_any_commit_of_an_edit(commits: int) -> None:
    world = await told()
    dies_at(world, world.partition.commits + commits, "before")
    arriving = asyncio.create_task(world.arrive(echo(2, 2)))
    await asyncio.sleep(20)
    arriving.cancel()
    await asyncio.gather(arriving, return_exceptions=True)
    await world.kill()
    successor = await start([], log=world.log, api=world.api, limits=NO_LIMITS)
    await successor.arrive(echo(2, 2))
    await successor.settle()
    await successor.arrive(echo(3, 3))
    await successor.settle()
    assert "và 2 nguồn khác" in world.api.accepted[-1].text
    assert len([m for m in world.api.accepted if m.method == "sendMessage"]) == 1
    assert set(reasons(successor).values()) <= {"sent", "sent unchanged"}
    await successor.stage.lost(successor.partition)


async def test_a_changed_fact_answers_the_first_message_with_the_difference() -> None:
    world = await told()
    moved = Difference(field="deadline", before=["2026-06-30"], after=["2026-07-15"])
    bodies: list[dict[str, Any]] = []
    handle = world.api.handle

    def watched(method: str, body: dict[str, Any]) -> Reply:
        bodies.append(body)
        return handle(method, body)

    world.api.handle = watched
    for number in (2, 3):
        await world.arrive(b.alert(number, story="s1", revision=number, kind="fact", differences=[moved]))
        await world.settle()
    first, second, third = world.api.accepted
    assert "Hạn: 30/06/2026 → 15/07/2026" in second.text
    assert "Cập nhật" in second.text
    assert [body["reply_parameters"]["message_id"] for body in bodies] == [first.message_id, first.message_id]
    await world.arrive(echo(4, 2))
    await world.settle()
    assert world.api.accepted[-1].message_id == first.message_id, "and more sources still change the first"
    assert third.message_id != first.message_id
    await world.stage.lost(world.partition)


async def test_to_whom_the_story_is_new_nothing_has_changed() -> None:
    world = await start(chats("nhom"))
    gone = Difference(field="document", before=["01/CT"], after=[])
    await world.arrive(b.alert(1, kind="fact", differences=[gone]))
    await world.settle()
    assert "01/CT" not in world.api.accepted[0].text
    await world.stage.lost(world.partition)


async def test_a_merged_story_edits_the_message_that_told_either() -> None:
    world = await told()
    await world.arrive(echo(2, 3, story="s0", merged=["s1"]))
    await world.settle()
    await asyncio.sleep(60)
    await world.arrive(echo(3, 4, story="s0", merged=["s1"]))
    await world.settle()
    assert "và 3 nguồn khác" in world.api.accepted[-1].text
    assert {m.message_id for m in world.api.accepted} == {world.api.accepted[0].message_id}
    await world.stage.lost(world.partition)


async def test_a_restart_knows_what_the_message_says() -> None:
    world = await told()
    await world.arrive(echo(2, 2, notice=OFFICIAL))
    await world.settle()
    await world.stage.lost(world.partition)
    successor = await start([], log=world.log, api=world.api, base=b.NOW_S + 300)
    await successor.arrive(echo(3, 5))
    await successor.settle()
    text = world.api.accepted[-1].text
    assert "và 4 nguồn khác" in text
    assert "Cổng Chính phủ" in text
    await successor.stage.lost(successor.partition)


def sent_result() -> Delivery:
    history = ledger.accepted(b.alert(1), b.NOW_S).history
    return Delivery(alert_id=f"{1:032x}", destination="nhom", history=history, state="sent", message_ids=["7"])


def test_only_what_can_be_edited_keeps_its_words() -> None:
    alert, telegram = b.alert(1), b.destination(channel="telegram")
    assert edits.kept(sent_result(), alert, telegram, 1).alert == alert
    assert edits.kept(sent_result(), alert, b.destination(channel="email"), 1).alert is None
    assert edits.kept(sent_result(), alert, telegram, 2).alert is None
    assert edits.kept(sent_result(), b.alert(1, kind="deadline"), telegram, 1).alert is None


def test_a_successor_remembers_no_words_of_what_is_too_old_to_be_edited() -> None:
    done = edits.kept(sent_result(), b.alert(1), b.destination(channel="telegram"), 1)
    assert edits.faded(done, b.NOW_S + 47 * 3600).alert == b.alert(1)
    assert edits.faded(done, b.NOW_S + 49 * 3600).alert is None
    waiting = ledger.accepted(b.alert(1), b.NOW_S)
    assert edits.faded(waiting, b.NOW_S + 1e7) is waiting, "what is to be sent keeps everything"
