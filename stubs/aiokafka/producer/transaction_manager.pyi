import asyncio

class TransactionManager:
    _transaction_waiter: asyncio.Future[None] | None
