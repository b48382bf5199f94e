"""Telegram HTML → messages that fit: no tag, word, entity or surrogate pair is broken. Pure.

Limits (core.telegram.org/bots/api, aiogram `methods/send_message.py`): 4096 UTF-16 units after the entities
were parsed, 100 entities.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape

UNITS, ENTITIES = 4096, 100
_TOKEN = re.compile(r"<[^>]*>|&(?:[a-zA-Z]+|#\d+|#x[0-9a-fA-F]+);|\s+|[^<&\s]+|[<&]")


def units(text: str) -> int:
    """Length in UTF-16 code units, as Telegram counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def visible(html: str) -> str:
    """What is left when the tags are gone."""
    text = re.sub(r"<[^>]*>", "", html) if "<" in html else html
    return unescape(text) if "&" in text else text


@dataclass
class _Message:
    """One message being filled. `tags` are open now, as they stand in the source."""

    tags: list[str]
    body: list[str] = field(default_factory=list)
    size: int = 0
    entities: int = 0

    def html(self) -> str:
        text = "".join(self.body).strip()
        return text + "".join(f"</{_name(tag)}>" for tag in reversed(self.tags))

    def reopened(self) -> _Message:
        return _Message(list(self.tags), list(self.tags), 0, len(self.tags))


def split(html: str, limit: int = UNITS, entities: int = ENTITIES) -> list[str]:
    """The messages, in order; each is well-formed when `html` is. A word longer than `limit` is cut."""
    done: list[str] = []
    message = _Message([])
    for atom in _atoms(html, limit):
        if _is_tag(atom):
            message = _take_tag(message, atom, entities, done)
            continue
        size = units(visible(atom))
        if message.size + size > limit:
            message = _next(message, done)
            if atom.isspace():
                continue
        message.body.append(atom)
        message.size += size
    _next(message, done)
    return done


def _take_tag(message: _Message, tag: str, entities: int, done: list[str]) -> _Message:
    if tag.startswith("</"):
        if message.tags:
            message.tags.pop()
            message.body.append(tag)
        return message
    if message.entities + 1 > entities:
        message = _next(message, done)
    message.tags.append(tag)
    message.body.append(tag)
    message.entities += 1
    return message


def _next(message: _Message, done: list[str]) -> _Message:
    html = message.html()
    if visible(html).strip():
        done.append(html)
    return message.reopened()


def _atoms(html: str, limit: int) -> list[str]:
    """Tags, white space and words; entities stay in their words, so that `A&amp;B` is one."""
    atoms: list[str] = []
    for token in _TOKEN.findall(html):
        glue = atoms and not (_is_tag(token) or token.isspace() or _is_tag(atoms[-1]) or atoms[-1].isspace())
        if glue and units(visible(atoms[-1])) + units(visible(token)) <= limit:
            atoms[-1] += token
        elif units(visible(token)) <= limit or _is_tag(token):
            atoms.append(token)
        else:
            atoms += _pieces(token, limit)
    return atoms


def _pieces(word: str, limit: int) -> list[str]:
    """A word too long for any message, cut between characters."""
    pieces, piece, size = [], "", 0
    for character in word:
        width = units(character)
        if size + width > limit:
            pieces.append(piece)
            piece, size = "", 0
        piece += character
        size += width
    return [*pieces, piece]


def _is_tag(token: str) -> bool:
    return len(token) > 1 and token[0] == "<" and token[-1] == ">"


def _name(tag: str) -> str:
    return tag.strip("<>").split()[0]
