from __future__ import annotations

import zlib

import pytest

from services.collector import state
from services.collector.known import FeedState, ItemState, Known, PageState
from services.collector.state import PartitionState
from tinsom.log import Output, Record

ID, OTHER = "a" * 24, "b" * 24
ITEM = ItemState(id=ID, publisher="bao.example", aliases=[1, 2], shown={"home": "x"}, seen_at=5.0)
FEED = FeedState(source="home/vi", publisher="bao.example", etag='W/"1"')


def record(out: Output) -> Record:
    return Record(out.topic, 0, 0, out.timestamp, out.key, out.value, out.headers)


def test_states_come_back_from_their_records() -> None:
    memory = PartitionState()
    for message in (ITEM, FEED):
        memory.apply(record(state.output(message, 1)))
    assert memory.feeds == {"home/vi": FEED}
    assert list(memory.known("bao.example").items()) == [ITEM]
    assert memory.known("bao.example").owner(2) == ITEM


def test_tombstones_forget() -> None:
    memory = PartitionState()
    for message in (ITEM, FEED):
        memory.apply(record(state.output(message, 1)))
        memory.apply(record(state.tombstone(message, 2)))
    assert memory.feeds == {}
    assert memory.known("bao.example") == Known()


def test_an_unreadable_record_is_counted_and_left() -> None:
    memory = PartitionState()
    memory.apply(Record("feed-state", 0, 0, 0, b"item/x/y", b"{", ()))
    memory.apply(Record("feed-state", 0, 1, 0, b"item/x/y", b"{", (("ce_type", b"vn.tinsom.unknown.v9"),)))
    no_id = ItemState(id="no id", publisher="bao.example", aliases=[])
    memory.apply(record(state.output(no_id, 1)))
    assert memory.unreadable == 3


@pytest.mark.parametrize("packed", [b"", b"no zlib", zlib.compress(b"{"), zlib.compress(b"{}")])
def test_a_page_without_its_item_is_left_out_before_a_poll_meets_it(packed: bytes) -> None:
    page = PageState(item=ID, publisher="bao.example", source="home", out_at=1.0, packed=packed)
    memory = PartitionState()
    memory.apply(record(state.output(page, 1)))
    assert memory.unreadable == 1
    assert not memory.pages_of("bao.example")


def test_a_layer_leaves_its_base_alone_and_the_first_owner_keeps_an_alias() -> None:
    base = Known()
    base.put(ITEM)
    layer = base.layer()
    other = ItemState(id=OTHER, publisher="bao.example", aliases=[2, 3])
    layer.put(other)
    assert (layer.owner(2), layer.owner(3), base.owner(3)) == (ITEM, other, None)
    assert layer.find([9, 3]) is not None
    assert base.get(OTHER) is None


def test_records_are_small_and_keyed_for_compaction() -> None:
    full = ItemState(
        id="f" * 24, publisher="bao.example", aliases=[2**52 + i for i in range(16)], shown={"home": "0" * 24}
    )
    out = state.output(full, 1)
    assert out.size < 1_500
    assert out.key == b"item/" + b"f" * 24 + b"/bao.example"
    assert out.partition_by == b"bao.example"


def test_everything_of_an_item_is_remembered() -> None:
    """What is kept in memory lists the fields by itself: a new one must not be forgotten there."""
    state = PartitionState()
    full = ItemState(
        id="a" * 24,
        publisher="bao.example",
        aliases=[1, 2, 3],
        revision=7,
        shown={"home": "0123", "moi": "4567"},
        published="89",
        seen_at=12.5,
    )
    assert all(
        getattr(full, name) != getattr(ItemState(id="", publisher="", aliases=[]), name)
        for name in full.__struct_fields__
    )
    state.put(full)
    assert state.known("bao.example").get(full.id) == full
    assert list(state.known("bao.example").items()) == [full]
