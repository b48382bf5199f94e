"""A strict fake of the Bot API: refuses what Telegram refuses, and can fail in every way a network can.

`core.BotApi` is the server's mind without a network (virtual time); `server.serve` puts it on loopback;
`python -m tests.fakes.telegram --port N --log FILE` runs it as a process that outlives its clients' deaths.
"""

from tests.fakes.telegram.core import BotApi, Limits, Reply
from tests.fakes.telegram.server import serve

__all__ = ["BotApi", "Limits", "Reply", "serve"]
