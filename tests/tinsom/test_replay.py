from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinsom.errors import InputError
from tinsom.log import Output, Record
from tinsom.log.sqlite import SqliteLog
from tinsom.replay import dump, line_of, load, read_dump, record_of

DATA = st.none() | st.binary(max_size=30) | st.text(max_size=30).map(lambda t: t.encode("utf-8", "ignore"))
RECORDS = st.builds(
    Record,
    st.just("items"),
    st.integers(0, 11),
    st.integers(0, 1 << 40),
    st.integers(0, 1 << 45),
    DATA,
    DATA,
    st.lists(st.tuples(st.text(max_size=8), st.binary(max_size=8)), max_size=4).map(tuple),
)


@given(RECORDS)
def test_a_line_holds_a_record_byte_for_byte(record: Record) -> None:
    assert record_of(line_of(record), "items") == record
    assert b"\n" not in line_of(record)


@pytest.mark.parametrize("name", ["items.jsonl", "items.jsonl.gz"])
async def test_a_dump_replayed_into_a_namespace_is_equal_and_leaves_the_live_one_alone(
    tmp_path: Path, name: str
) -> None:
    live, scratch = SqliteLog(tmp_path / "log.db"), SqliteLog(tmp_path / "log.db", "replay-1")
    await live.start()
    await scratch.start()
    rows = [
        Output("items", b"k%d" % i, None if i % 7 == 0 else b"\xfe%d" % i, 1000 + i, (("ce_id", b"%d" % i),))
        for i in range(1_200)
    ]
    await live.append(rows, writer="w")
    assert await dump(live, "items", tmp_path / name) == 1_200
    assert await load(scratch, tmp_path / name, live_namespace="tinsom") == ("items", 1_200)
    for number in range(live.partitions_of("items")):
        there = [r async for r in scratch.read("items", number)]
        assert there == [r async for r in live.read("items", number)]
    assert await live.ends("items") == await scratch.ends("items")
    await live.close()
    await scratch.close()


async def test_a_dump_takes_a_span_of_time(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    await log.start()
    await log.append([Output("items", b"k", b"%d" % i, i, partition=0) for i in range(100)], writer="w")
    assert await dump(log, "items", tmp_path / "d", since=20, until=30) == 10
    assert [r.value for r in read_dump(tmp_path / "d")[1]] == [b"%d" % i for i in range(20, 30)]
    await log.close()


async def test_the_live_namespace_is_refused(tmp_path: Path) -> None:
    log = SqliteLog(tmp_path / "log.db")
    await log.start()
    await dump(log, "items", tmp_path / "d")
    with pytest.raises(InputError, match="is the live one"):
        await load(log, tmp_path / "d", live_namespace="tinsom")
    await log.close()


def test_what_is_no_dump_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("{}\n")
    with pytest.raises(InputError, match="not a dump of a topic"):
        read_dump(tmp_path / "x")
    (tmp_path / "x").write_text('{"format":"tinsom-dump-1","topic":"items","partitions":12}\n{"p":1}\n')
    _, records = read_dump(tmp_path / "x")
    with pytest.raises(InputError, match="x:2: not a line of a dump"):
        next(records)
    with pytest.raises(InputError, match="cannot read"):
        read_dump(tmp_path / "missing")
