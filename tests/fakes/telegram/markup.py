"""HTML as the Bot API reads it (tdlib MessageEntity.cpp, parse_html), and the entities it finds by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

TAGS = frozenset(
    [
        "a",
        "b",
        "strong",
        "i",
        "em",
        "s",
        "strike",
        "del",
        "u",
        "ins",
        "tg-spoiler",
        "tg-emoji",
        "span",
        "pre",
        "code",
        "blockquote",
    ]
)
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ENTITY = re.compile(r"&(?:#(\d{1,8})|#x([0-9a-fA-F]{1,6})|([a-zA-Z]+));?")
_ATTRIBUTE = re.compile(r"""\s+([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))""")

# What Telegram links unasked. Wider than the original, which knows a list of top-level domains.
_FOUND = (
    ("url", re.compile(r"(?:https?|ftp|tg|ton)://\S+", re.IGNORECASE)),
    ("email", re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    ("url", re.compile(r"(?<![\w.@])(?:[^\W_][\w-]*\.)+[^\W\d_]{2,}(?![\w.]*@)")),
    ("url", re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])")),
    ("mention", re.compile(r"(?<!\w)@[a-zA-Z0-9_]{2,32}")),
    ("hashtag", re.compile(r"(?<!\w)#\w*[^\W\d]\w*")),
    ("cashtag", re.compile(r"(?<!\w)\$[A-Z]{1,8}(?!\w)")),
    ("bot_command", re.compile(r"(?<![\w/<>])/[a-zA-Z0-9_]{1,64}")),
)


class MarkupError(Exception):
    """The text is refused; the message is the server's description."""


@dataclass(frozen=True, slots=True)
class Entity:
    """`offset` and `length` in UTF-16 units of the parsed text."""

    type: str
    offset: int
    length: int
    url: str = ""


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def parse(html: str) -> tuple[str, list[Entity]]:
    """Text and entities; raises MarkupError as the server words it."""
    out: list[str] = []
    size, position = 0, 0
    opened: list[tuple[str, int, str]] = []
    entities: list[Entity] = []
    while position < len(html):
        character = html[position]
        if character == "<":
            name, attributes, closing, position = _tag(html, position)
            if not closing:
                opened.append((name, size, attributes.get("href", "")))
                continue
            if not opened:
                raise MarkupError(f"Unexpected end tag at byte offset {position}")
            start_name, offset, url = opened.pop()
            if name and name != start_name:
                raise MarkupError(f'Unmatched end tag at byte offset {position}, expected "</{start_name}>"')
            if size > offset:
                entities.append(Entity("text_link" if name == "a" else name, offset, size - offset, url))
            continue
        text, position = _character(html, position)
        out.append(text)
        size += units(text)
    if opened:
        raise MarkupError(f'Can\'t find end tag corresponding to start tag "{opened[-1][0]}"')
    return "".join(out), entities


def _character(html: str, position: int) -> tuple[str, int]:
    """One character, or one HTML entity; an unknown entity stands as it is written."""
    match = _ENTITY.match(html, position)
    if match is None:
        return html[position], position + 1
    decimal, hexadecimal, name = match.groups()
    if name:
        return (_NAMED[name], match.end()) if name in _NAMED else (html[position], position + 1)
    code = int(decimal) if decimal else int(hexadecimal, 16)
    if not 0 < code < 0x110000 or 0xD800 <= code < 0xE000:
        return html[position], position + 1
    return chr(code), match.end()


def _tag(html: str, position: int) -> tuple[str, dict[str, str], bool, int]:
    closing = html.startswith("</", position)
    match = re.compile(r"</?([a-zA-Z0-9-]*)").match(html, position)
    assert match is not None
    name, end = match[1].lower(), match.end()
    attributes: dict[str, str] = {}
    if not closing:
        if name not in TAGS:
            raise MarkupError(f'Unsupported start tag "{name}" at byte offset {position}')
        while (attribute := _ATTRIBUTE.match(html, end)) is not None:
            value = next((v for v in attribute.groups()[1:] if v is not None), "")
            attributes[attribute[1].lower()] = value
            end = attribute.end()
    end += len(html[end:]) - len(html[end:].lstrip())
    if not html.startswith(">", end):
        what = "end tag" if closing else f'start tag "{name}"'
        raise MarkupError(f"Unclosed {what} at byte offset {position}")
    return name, attributes, closing, end + 1


def found(text: str, entities: list[Entity]) -> list[Entity]:
    """Entities that clients get without having been asked for, outside links and code."""
    taken = [(e.offset, e.offset + e.length) for e in entities if e.type in ("text_link", "code", "pre")]
    more: list[Entity] = []
    for kind, pattern in _FOUND:
        for match in pattern.finditer(text):
            start, length = units(text[: match.start()]), units(match[0])
            if not any(a < start + length and start < b for a, b in taken):
                taken.append((start, start + length))
                more.append(Entity(kind, start, length, match[0]))
    return more
