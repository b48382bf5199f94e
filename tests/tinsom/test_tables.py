from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tinsom import codec, tables
from tinsom.log import Output, Record, Table
from tinsom.messages import Message, Source, Version

SOURCES = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers(1, 3), max_size=4)


def source(id_: str, tier: int) -> Message:
    return Source(id=id_, publisher="p", url="http://x/", tier=tier)


def as_record(output: Output, partition: int = 0) -> Record:
    return Record(output.topic, partition, 0, output.timestamp, output.key, output.value, output.headers)


def written(wanted: dict[str, int], existing: dict[bytes, Record], prefix: str = "") -> tables.Changes:
    messages = {prefix + id_: source(id_, tier) for id_, tier in wanted.items()}
    return tables.changes("sources", messages, 5, existing, partition_by=lambda key: key, prefix=prefix)


def applied(existing: dict[bytes, Record], changes: tables.Changes) -> dict[bytes, Record]:
    table = Table(tail=None, records=dict(existing))  # type: ignore[arg-type]
    for output in changes.outputs:
        table._take(as_record(output))
    assert table.complete
    return table.records


@given(SOURCES, SOURCES)
def test_after_the_changes_the_table_says_what_is_wanted_and_a_second_time_nothing_differs(
    before: dict[str, int], wanted: dict[str, int]
) -> None:
    table = applied(applied({}, written(before, {})), written(wanted, {}))
    table = applied(table, written(wanted, table))
    assert {key: codec.decode(r) for key, r in table.items()} == {
        id_.encode(): source(id_, tier) for id_, tier in wanted.items()
    }
    assert written(wanted, table).difference == []
    assert len(written(wanted, table).outputs) == 1


def test_the_difference_reads_like_a_diff_and_the_version_comes_last() -> None:
    table = applied({}, written({"a": 1, "b": 1}, {}))
    changes = written({"b": 2, "c": 1}, table)
    assert changes.difference == ["~ b", "+ c", "- a"]
    last = codec.decode_as(as_record(changes.outputs[-1]), Version)
    assert (last.entries, last.version) == (2, "5")


def test_what_others_wrote_is_not_touched() -> None:
    bots = {b"bot/x": as_record(codec.output("sources", "bot/x", source("x", 1), 1, source="deliver"))}
    assert written({}, bots, prefix="file/").difference == []


def test_a_tombstone_goes_where_the_record_lies() -> None:
    lies = {b"a": as_record(codec.output("sources", "a", source("a", 1), 1, source="apply"), partition=7)}
    (tombstone, _) = written({}, lies).outputs
    assert (tombstone.partition, tombstone.value) == (7, None)


def test_a_key_that_moved_to_another_partition_is_not_lost_by_what_it_left_behind() -> None:
    """Partitions are read one after another: the old one's record and tombstone may come after the new record."""
    old = Record("sources", 3, 0, 1, b"a", b"old")
    gone = Record("sources", 3, 1, 2, b"a", None)
    new = Record("sources", 1, 0, 3, b"a", b"new")
    for order in ([new, old, gone], [old, gone, new], [old, new, gone]):
        table = Table(tail=None)  # type: ignore[arg-type]
        for record in order:
            table._take(record)
        assert table.records == {b"a": new}, order
