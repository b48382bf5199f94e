"""An address leads to its item by the state, without reading `items`; where there is no state, by `items`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.collector import identity, state
from services.collector.known import ItemState
from services.collector.locating import items_at
from tests.alerter.builders import NOW, NOW_S
from tinsom import codec
from tinsom.clock import millis
from tinsom.log import Output
from tinsom.log.sqlite import SqliteLog
from tinsom.messages import Item, Source

AT = millis(NOW_S)


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SqliteLog]:
    log = SqliteLog(tmp_path / "log.db")
    await log.start()
    for number, publisher in enumerate(("bao.vn", "bo.vn")):
        source = Source(id=f"s{number}", publisher=publisher, url=f"https://www.{publisher}/rss")
        await log.append([codec.output("sources", source.id, source, AT, source="apply")], writer="w")
    yield log
    await log.close()


def known(id_: str, publisher: str, link: str) -> Output:
    return state.output(ItemState(id=id_, publisher=publisher, aliases=[7, identity.link_alias(link)]), AT)


async def test_by_what_the_collector_knows_whatever_the_form_of_the_address(log: SqliteLog) -> None:
    link = "https://bao.vn/tin-100001.htm"
    await log.append([known("ab", "bao.vn", link), known("cd", "bo.vn", link)], writer="w")
    assert await items_at(log, "http://m.bao.vn/tin-100001.htm?utm_source=x") == ["ab"]
    assert await items_at(log, "https://bao.vn/khac-100002.htm") == []
    assert await items_at(log, "not an address") == []


async def test_by_the_items_where_there_is_no_state(log: SqliteLog) -> None:
    url = "https://dau.vn/tin.htm"
    item = Item(id="ef", publisher="bao.vn", source="s0", url=url, title="Tin", fetched_at=NOW)
    unreadable = Output("items", b"x", b"{", AT)
    await log.append([codec.output("items", "ef", item, AT, source="collector"), unreadable], writer="w")
    assert await items_at(log, url) == ["ef"]
