"""A child process that stops inside a transaction, everything sent and nothing committed, to be killed there.

python -m tests.kafka.hanging BOOTSTRAP NAMESPACE GROUP
"""

from __future__ import annotations

import asyncio
import sys

from aiokafka import AIOKafkaProducer

from tests.log.echo import TOPICS, echo, nothing, say
from tinsom.log.kafka import KafkaLog


async def hang(self: AIOKafkaProducer) -> None:
    say(event="inside")
    await asyncio.sleep(3600)


async def main(bootstrap: str, namespace: str, group: str) -> None:
    AIOKafkaProducer.commit_transaction = hang
    # A minute: whatever ends the transaction sooner, it was not the broker's clock.
    log = KafkaLog(bootstrap, namespace, session_timeout=2.0, transaction_timeout=60.0, topics=TOPICS)
    await log.start()
    async with log.own(group, ["in"], gained=nothing, lost=nothing) as owner:
        async for batch in owner.batches(20, timeout=0.1):
            if batch.records:
                await batch.commit([echo(record) for record in batch.records])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4]))
