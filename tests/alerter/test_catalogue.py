"""Subscriptions and destinations: files, what the sender learned, and the difference."""

from typing import Any

from services.alerter import catalogue
from services.alerter.catalogue import destination_outputs, effective, subscription_outputs
from tests.alerter import builders as b
from tinsom import codec
from tinsom.config import Config, DestinationConfig, SubscriptionConfig
from tinsom.log import Output, Record
from tinsom.messages import Destination, Match, Subscription, Version

MS = 1_750_000_000_000


def config(**changes: Any) -> Config:
    fields: dict[str, Any] = {
        "destinations": [DestinationConfig(alias="nhom", channel="terminal", address="-1")],
        "subscriptions": [SubscriptionConfig(id="a", destination="nhom", match=Match(keywords=["x"]))],
    }
    return Config(**fields | changes)


def table(outputs: list[Output]) -> dict[bytes, Record]:
    """What a reader holds after `outputs`."""
    return {
        o.key or b"": Record(o.topic, 0, n, o.timestamp, o.key, o.value, o.headers)
        for n, o in enumerate(outputs)
        if o.value is not None and o.key != b"version"
    }


def test_first_apply_writes_all_and_the_version_last() -> None:
    changes = subscription_outputs(config(), MS, {})
    assert changes.difference == ["+ a"]
    assert [o.key for o in changes.outputs] == [b"file/a", b"version"]
    written = codec.decode_as(next(iter(table(changes.outputs).values())), Subscription)
    assert written.since is not None
    assert written.since.timestamp() * 1000 == MS


def test_applying_again_changes_nothing_but_the_version() -> None:
    for outputs in (subscription_outputs, destination_outputs):
        first = outputs(config(), MS, {})
        again = outputs(config(), MS + 5, table(first.outputs))
        assert again.difference == []
        assert [o.key for o in again.outputs] == [b"version"]


def test_an_edit_keeps_since_so_that_nothing_old_is_told() -> None:
    before = table(subscription_outputs(config(), MS, {}).outputs)
    edited = config(subscriptions=[SubscriptionConfig(id="a", destination="nhom", match=Match(keywords=["y"]))])
    changes = subscription_outputs(edited, MS + 99_000, before)
    assert changes.difference == ["~ a"]
    (record,) = table(changes.outputs).values()
    assert codec.decode_as(record, Subscription).since == codec.decode_as(before[b"file/a"], Subscription).since


def test_the_time_before_is_asked_for_when_it_is_new_and_never_by_an_edit() -> None:
    new = SubscriptionConfig(id="a", destination="nhom", match=Match(keywords=["x"]), backfill=10)
    more = SubscriptionConfig(id="a", destination="nhom", match=Match(keywords=["x"]), backfill=20)
    before = subscription_outputs(config(subscriptions=[new]), MS, {}).outputs
    assert [s.backfill for s in subscriptions(before)] == [10]
    changes = subscription_outputs(config(subscriptions=[more]), MS + 5, table(before))
    assert changes.difference == []
    without = subscription_outputs(config(), MS, {}).outputs
    assert subscription_outputs(config(subscriptions=[new]), MS + 5, table(without)).difference == []


def subscriptions(outputs: list[Output]) -> list[Subscription]:
    return [codec.decode_as(record, Subscription) for record in table(outputs).values()]


def test_removing_leaves_a_tombstone_and_touches_no_bot_record() -> None:
    before = table(destination_outputs(config(), MS, {}).outputs)
    mine = codec.output("destinations", "bot/nhom", b.destination(), MS, source="deliver")
    before |= table([mine])
    changes = destination_outputs(config(destinations=[], subscriptions=[]), MS, before)
    assert changes.difference == ["- nhom"]
    assert [(o.key, o.value is None) for o in changes.outputs] == [(b"file/nhom", True), (b"version", False)]
    assert codec.from_bytes(changes.outputs[-1].value or b"", Version).entries == 0


def test_every_record_of_a_destination_goes_to_one_partition() -> None:
    outputs = destination_outputs(config(), MS, {}).outputs
    assert outputs[0].partition_by == b"nhom"


def file(address: str = "-1") -> dict[str, Destination]:
    return {"file/nhom": b.destination(address=address)}


def bot(**changes: Any) -> dict[str, Destination]:
    fields: dict[str, Any] = {"address": "-1", "configured": "-1"}
    return {"bot/nhom": b.destination(**fields | changes)}


def test_what_was_learned_holds_for_the_same_address() -> None:
    suspended = effective(file() | bot(state="suspended", reason="blocked"))["nhom"]
    assert (suspended.state, suspended.reason) == ("suspended", "blocked")
    assert effective(file() | bot(address="-100"))["nhom"].address == "-100"


def test_a_new_address_starts_afresh() -> None:
    assert effective(file("-2") | bot(state="suspended"))["nhom"].state == "active"


def test_what_was_learned_about_a_removed_destination_means_nothing() -> None:
    assert effective(bot(state="suspended")) == {}


def test_a_readers_own_destination_stands_by_itself() -> None:
    assert effective(bot(configured=""))["nhom"].address == "-1"
    assert catalogue.BOT == "bot/"
