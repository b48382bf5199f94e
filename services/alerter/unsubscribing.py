"""Leaving a mailing by one click (RFC 8058): whose link is it, what follows, what the page says. Pure.

A link acts by POST alone: scanners of mail open every link that they find. It names a destination and proves with
a keyed hash that we wrote it to that address, so it needs no log-in and no record of its own.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from html import escape

from msgspec.structs import replace

from tinsom.messages import Destination

PATH = "unsubscribe"
REASON = "unsubscribed"
AGAIN = "again"
_WORDS = {
    "vi": {
        "ask": "Bạn muốn ngừng nhận thư của Tin sớm?",
        "leave": "Ngừng nhận thư",
        "left": "Bạn sẽ không nhận thư nữa.",
        "return": "Nhận lại",
        "back": "Bạn sẽ lại nhận thư.",
        "unknown": "Đường dẫn này không còn dùng được.",
        "later": "Chưa làm được, hãy thử lại sau một phút.",
    },
    "en": {
        "ask": "Stop the mails of Tin sớm?",
        "leave": "Stop the mails",
        "left": "No more mails will come.",
        "return": "Get them again",
        "back": "The mails will come again.",
        "unknown": "This link is not valid any more.",
        "later": "Not now; please try again in a minute.",
    },
}


def token(key: bytes, to: Destination) -> str:
    """Another address is another token: who takes over an alias is not unsubscribed by old mail."""
    text = "\0".join((PATH, to.alias, to.address))
    return f"{to.alias}.{hmac.new(key, text.encode(), hashlib.sha256).hexdigest()[:32]}"


def link(base: str, key: bytes, to: Destination) -> str:
    return f"{base.rstrip('/')}/{PATH}/{token(key, to)}"


def owner_of(given: str, key: bytes, destinations: Mapping[str, Destination]) -> Destination | None:
    """The destination that a token speaks of; None for a forged or outdated one."""
    to = destinations.get(given.rpartition(".")[0])
    return to if to is not None and hmac.compare_digest(token(key, to).encode(), given.encode()) else None


def left(to: Destination) -> Destination | None:
    """The record to be written; None when nothing comes there anyway."""
    return replace(to, state="suspended", reason=REASON) if to.state != "suspended" else None


def back(to: Destination) -> Destination | None:
    """Only what the reader ended comes back by the reader's click: a full mailbox stays full."""
    return replace(to, state="active", reason="") if to.state == "suspended" and to.reason == REASON else None


def page(says: str, language: str, action: str = "", button: str = "") -> str:
    """One sentence and at most one button, which posts."""
    words = _WORDS[language]
    form = ""
    if action:
        form = f'<form method="post" action="{escape(action)}"><button>{words[button]}</button></form>'
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>Tin sớm</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="robots" content="noindex"><meta name="referrer" content="no-referrer"></head>'
        '<body style="font-family:Arial,Helvetica,sans-serif;margin:2em auto;max-width:34em;padding:0 1em">'
        f"<p>{words[says]}</p>{form}</body></html>"
    )
