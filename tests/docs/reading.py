"""What the documents say, taken apart: links, headings, code spans, code blocks. Pure but for the files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def text(page: Path) -> str:
    return page.read_text("utf-8")


def prose(page: Path) -> str:
    """Without fenced blocks."""
    return _FENCE.sub("", text(page))


def spans(page: Path) -> list[str]:
    return _SPAN.findall(prose(page))


def blocks(page: Path, *languages: str) -> Iterator[str]:
    """Fenced blocks in one of `languages`, or all."""
    for language, body in _FENCE.findall(text(page)):
        if not languages or language in languages:
            yield body


def shell_lines(page: Path) -> list[str]:
    """Commands of the `sh` and `console` blocks, without prompt, comment and output."""
    lines = []
    for language, body in _FENCE.findall(text(page)):
        if language not in ("sh", "console"):
            continue
        for line in body.splitlines():
            if language == "console" and not line.startswith("$ "):
                continue
            command = line.removeprefix("$ ").partition("  #")[0].strip()
            if command and not command.startswith("#"):
                lines.append(command)
    return lines


def links(page: Path) -> list[str]:
    """Targets inside the project."""
    return [
        target for target in _LINK.findall(prose(page)) if "://" not in target and not target.startswith("mailto:")
    ]


@cache
def anchors(page: Path) -> frozenset[str]:
    return frozenset(anchor(heading) for heading in _HEADING.findall(prose(page)))


def anchor(heading: str) -> str:
    """As GitHub makes it: lower case, punctuation gone, spaces to hyphens."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
