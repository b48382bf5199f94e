"""robots.txt (RFC 9309): which paths of a host we may read pages from. Pure.

Feeds are made to be polled and are not asked for; pages, listings and sitemaps are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

AGENT = "tinsom"
MAX_BYTES = 512 * 1024
LONGEST_DELAY = 10.0


@dataclass(frozen=True, slots=True)
class Robots:
    """The group of rules that is for us: (pattern, allowed), and the pause between pages it asks for."""

    rules: tuple[tuple[str, bool], ...] = ()
    delay: float = 0.0

    def allows(self, path: str) -> bool:
        """The longest matching rule decides, an allowing one before a forbidding one of the same length."""
        path = _normal(path or "/")
        best, allowed = -1, True
        for pattern, allow in self.rules:
            if len(pattern) >= best and _matches(pattern, path) and (len(pattern) > best or allow):
                best, allowed = len(pattern), allow
        return allowed


ALL, NONE = Robots(), Robots((("/", False),))


def from_response(status: int, body: bytes) -> Robots:
    """RFC 9309 §2.3.1: no file means no limits, a server that cannot answer means stay away."""
    if 200 <= status < 300:
        return parse(body[:MAX_BYTES].decode("utf-8", "replace"))
    return NONE if status >= 500 or status == 429 else ALL


def parse(text: str) -> Robots:
    groups: dict[str, list[tuple[str, str]]] = {}
    agents: list[str] = []
    in_rules = False
    for name, value in _lines(text):
        if name == "user-agent":
            agents = [value.lower()] if in_rules else [*agents, value.lower()]
            in_rules = False
            groups.setdefault(value.lower(), [])
        elif agents:
            in_rules = True
            for agent in agents:
                groups[agent].append((name, value))
    return _robots(groups.get(AGENT, groups.get("*", [])))


def _robots(lines: list[tuple[str, str]]) -> Robots:
    rules = tuple(
        (_normal(value), name == "allow") for name, value in lines if name in ("allow", "disallow") and value
    )
    delays = [
        float(value) for name, value in lines if name == "crawl-delay" and re.fullmatch(r"\d{1,4}(\.\d+)?", value)
    ]
    return Robots(rules, min(max(delays, default=0.0), LONGEST_DELAY))


def _lines(text: str) -> list[tuple[str, str]]:
    pairs = (line.partition("#")[0].partition(":") for line in text.lstrip("\ufeff").splitlines())
    return [(name.strip().lower(), value.strip()) for name, colon, value in pairs if colon]


def _normal(path: str) -> str:
    return quote(unquote(path), safe="/*$?=&%:;,@+!~'()[]")


def _matches(pattern: str, path: str) -> bool:
    """`*` is anything, `$` at the end is the end; piece by piece, so that no pattern can take long."""
    ends = pattern.endswith("$")
    pieces = pattern.rstrip("$").split("*")
    if not path.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if len(pieces) == 1:
        return not ends or at == len(path)
    return path[at:].endswith(pieces[-1]) if ends else path.find(pieces[-1], at) >= 0
