import asyncio

class Sender:
    sender_task: asyncio.Task[None] | None
