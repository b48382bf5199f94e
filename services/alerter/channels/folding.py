"""Header lines of a mail, folded so that they read back as they were written.

Python 3.11's own folding loses or doubles the space between two encoded words in about a third of Vietnamese
subjects ("trí tuệthông minh"); `email.header.Header` (RFC 2047) does not, so unstructured headers take that way.
"""

from __future__ import annotations

import email.policy
from email.header import Header
from typing import Any

LINE, LONGEST = 76, 990
# One word each, which Python would cut into encoded words when it is long; what they are for is then lost.
_TOKENS = frozenset(("in-reply-to", "references", "list-id", "list-unsubscribe", "list-unsubscribe-post"))


class FoldingPolicy(email.policy.EmailPolicy):
    def fold_binary(self, name: str, value: Any) -> bytes:
        """One header as bytes; `value` is the parsed header or, read from a message, its source."""
        text = str(value)
        if name.lower() in _TOKENS and text.isascii() and len(name) + len(text) < LONGEST:
            return f"{name}: {text}{self.linesep}".encode("ascii")
        if name.lower() != "subject" or text.isascii():
            return super().fold_binary(name, value)
        encoded = Header(text, "utf-8", maxlinelen=LINE, header_name=name).encode(linesep=self.linesep)
        return f"{name}: {encoded}{self.linesep}".encode("ascii")


MAIL = FoldingPolicy(linesep="\r\n", max_line_length=LINE)
