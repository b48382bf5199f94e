"""`tinsom why` on a month of news, beside reading the same topics whole.

python -m benchmarks.why ITEMS [BOOTSTRAP]     five records and more an item; on Kafka when an address is given
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
from aiokafka import AIOKafkaProducer

from benchmarks.report import Figure, show
from services.alerter import ledger
from services.cli.explaining import told
from services.collector import identity, state
from services.collector.known import ItemState
from services.collector.locating import items_at
from tinsom import codec
from tinsom import messages as m
from tinsom.clock import millis
from tinsom.log import Log, Output
from tinsom.log.kafka import KafkaLog
from tinsom.log.kafka.cluster import BATCH_BYTES, Cluster, grouped
from tinsom.log.kafka.writer import batches
from tinsom.log.sqlite import SqliteLog
from tinsom.topics import TOPICS

ITEMS, AT_ONCE, ASKED, PUBLISHERS = 20_000, 500, 7, 200
MONTH = timedelta(days=30)
TEXT = "Bộ Công an phối hợp các địa phương triển khai Đề án 06, kết nối dữ liệu dân cư với dịch vụ công. "
EVIDENCE = m.Evidence(field="title", start=0, end=8, rule="de-an-06/alias")


def item_of(number: int, items: int) -> m.Item:
    """Its words differ from those of others, lest compression makes the log small."""
    words = hashlib.sha256(b"%d" % number).hexdigest()
    publisher = f"p{number % PUBLISHERS}.vn"
    return m.Item(
        id=words[:24], publisher=publisher, source=publisher, url=f"https://{publisher}/tin/{number}.html",
        title=f"Đề án 06: tin {words[:9]}", text=" ".join(f"{TEXT}{words[n : n + 9]}" for n in range(0, 40, 4)),
        fetched_at=datetime.now(UTC) - MONTH * ((items - number) / items),
    )  # fmt: skip


def records_of(item: m.Item) -> Iterator[Output]:
    """What the stages make of an item that one destination hears of."""
    at = millis(item.fetched_at.timestamp())
    tag = m.Tag(id="de-an-06", role="primary", score=9.0, evidence=[EVIDENCE])
    tagged = m.TaggedItem(item=msgspec.Raw(codec.to_bytes(item)), tags=m.Tags(id=item.id, initiatives=[tag]))
    change = m.StoryChange(
        story=item.id, revision=1, kind="new", item=item.id, tagged=msgspec.Raw(codec.to_bytes(tagged)),
        began_at=item.fetched_at,
    )  # fmt: skip
    notice = m.Notice(title=item.title, url=item.url, source=item.source, fetched_at=item.fetched_at)
    alert = m.Alert(
        id=hashlib.sha256(item.id.encode()).hexdigest()[:32], destination="nhom", story=item.id, revision=1,
        kind="new", item=item.id, subscriptions=["s"], reason="Đề án 06", notice=notice,
    )  # fmt: skip
    pending = ledger.accepted(alert, at / 1000 + 1)
    sent = ledger.closed(msgspec.structs.replace(pending, alert=None), "sent", "", at / 1000 + 2)
    link = identity.link_alias(item.url)
    known = ItemState(id=item.id, publisher=item.publisher, aliases=[link], shown={item.source: "0" * 24})
    yield state.output(known, at)
    yield codec.output("items", item.id, item, at, source="collector")
    yield codec.output("tagged", item.id, tagged, at, source="tag")
    yield codec.output("story-changes", item.id, change, at, source="stories")
    yield codec.output("alerts", alert.id, alert, at, source="plan", partition_by="nhom")
    for delivery in (pending, sent):
        yield codec.output("deliveries", alert.id, delivery, at + 1_000, source="deliver", partition_by="nhom")


Write = Callable[[Sequence[Output]], Awaitable[None]]


async def fill(write: Write, items: int) -> int:
    """Returns how many records were written."""
    written = 0
    sources = {
        f"p{n}.vn": m.Source(id=f"p{n}.vn", publisher=f"p{n}.vn", url=f"https://p{n}.vn/rss")
        for n in range(PUBLISHERS)
    }
    await write([codec.output("sources", s.id, s, 1, source="apply") for s in sources.values()])
    for start in range(0, items, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, items))
        outputs = [output for n in numbers for output in records_of(item_of(n, items))]
        await write(outputs)
        written += len(outputs)
    return written


async def measured(log: Log, items: int, name: str) -> list[Figure]:
    """Items of all ages; the slowest answer counts."""
    asked = [item_of(round(n * (items - 1) / (ASKED - 1)), items) for n in range(ASKED)]
    by_id = [await _seconds(told(log, item.id, "", whole=False)) for item in asked]
    by_url = [await _seconds(items_at(log, item.url)) for item in asked]
    unknown = await _seconds(told(log, "0" * 24, "", whole=False))
    print(
        name,
        "by id",
        [round(s, 3) for s in by_id],
        "address",
        [round(s, 3) for s in by_url],
        "unknown",
        round(unknown, 3),
    )
    whole = await _seconds(told(log, asked[0].id, "", whole=True))
    return [
        Figure(f"why by id, {name}", max(by_id), "s", whole, "reading whole topics"),
        Figure(f"id of an address, {name}", max(by_url), "s"),
    ]


async def _seconds(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def run(items: int = ITEMS) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        log = SqliteLog(Path(folder) / "why.db")
        await log.start()
        written = await fill(partial(log.append, writer="fill"), items)
        figures = await measured(log, items, f"{written:,} records, sqlite")
        await log.close()
    return figures


async def on_kafka(bootstrap: str, items: int) -> list[Figure]:
    cluster = Cluster(bootstrap, f"bench{uuid.uuid4().hex[:8]}", 1, 10.0, 10.0, TOPICS)
    log = KafkaLog(bootstrap, cluster.namespace)
    await log.start()
    try:
        written = await _fill_kafka(cluster, items)
        return await measured(log, items, f"{written:,} records, kafka")
    finally:
        await log.close()


async def _fill_kafka(cluster: Cluster, items: int) -> int:
    """Without transactions: their markers would have the time of now, a month later than the records, and a broker
    asked for a time answers with the first of either. In use both are of the same moment.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=cluster.bootstrap_servers, compression_type="zstd", max_batch_size=BATCH_BYTES
    )

    async def write(outputs: Sequence[Output]) -> None:
        sent = []
        for partition, group in grouped(outputs, cluster).items():
            for batch in batches(producer, group):
                sent.append(await producer.send_batch(batch, partition.topic, partition=partition.partition))
        await asyncio.gather(*sent)

    await producer.start()
    try:
        return await fill(write, items)
    finally:
        await producer.stop()


if __name__ == "__main__":
    count = int(sys.argv[1])
    show(asyncio.run(on_kafka(sys.argv[2], count) if sys.argv[2:] else run(count)))
