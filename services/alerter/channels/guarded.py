"""A request body that asks for leave in the same breath as it is written.

aiohttp writes a body in a task of its own, after the headers were prepared. A check any earlier leaves a gap in
which a process can be stopped, and woken when its intent has long run out; here nothing lies between the check
and the socket but plain calls. Headers leave together with the body, so a refusal sends nothing.
"""

from __future__ import annotations

from aiohttp import payload
from aiohttp.abc import AbstractStreamWriter

from services.alerter.channels import BeforeWrite, StaleIntentError


class GuardedBody(payload.BytesPayload):
    """`written`: the message may have left; `refused`: it has not, and must not."""

    def __init__(self, value: bytes, before_write: BeforeWrite, content_type: str = "application/json") -> None:
        super().__init__(value, content_type=content_type)
        self._before_write = before_write
        self.written = False
        self.refused = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        try:
            self._before_write()
        except StaleIntentError as error:
            self.refused = True
            # An error that aiohttp knows: it drops the connection with what was prepared for it.
            raise ConnectionAbortedError("the intent has run out") from error
        self.written = True
        await super().write_with_length(writer, content_length)
