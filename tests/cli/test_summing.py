"""The books: what is no alert is not counted as the end of one."""

from __future__ import annotations

from pathlib import Path

from services.alerter import backfill
from services.alerter.clerk import delivery_output
from services.cli import summing
from tests.alerter import builders as b
from tinsom.clock import millis
from tinsom.log.sqlite import SqliteLog


async def test_a_subscription_whose_past_holds_nothing_leaves_the_books_even(tmp_path: Path) -> None:
    asked = [b.subscription(since=b.NOW, backfill=3)]
    log = SqliteLog(tmp_path / "log.db")
    await log.start()
    try:
        records = backfill.records(asked, [], b.destination(), b.NOW_S)
        await log.append([delivery_output(record, millis(b.NOW_S)) for record in records], writer="w")
        assert (await summing.delivered(log)).unaccounted == 0
    finally:
        await log.close()
