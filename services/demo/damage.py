"""What careless editors' software does to Vietnamese text; each kind was seen in real feeds. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable

from services.demo.edition import Damage

_NAMES = re.compile(r"\b(Bộ|Ủy ban|Uỷ ban|Đề án|Nghị quyết|Nghị định|Quyết định|Công an|Luật) ")
_OLD_TONES = {"ủy": "uỷ", "Ủy": "Uỷ", "hóa": "hoá", "hòa": "hoà", "khỏe": "khoẻ", "thủy": "thuỷ", "tòa": "toà"}


def _old_tones(text: str) -> str:
    for new, old in _OLD_TONES.items():
        text = re.sub(rf"\b{new}\b", old, text)
    return text


_KINDS: dict[Damage, Callable[[str], str]] = {
    "nfd": lambda text: unicodedata.normalize("NFD", text),
    "nbsp": lambda text: _NAMES.sub("\\1\u00a0", text),
    "old-tones": _old_tones,
    "zero-width": lambda text: text.replace("đô thị", "đô\u200b thị"),
    "dashes": lambda text: re.sub(r"(?<=\w)-(?=\w)", "–", text),
    "caps": str.upper,
}


def damaged(text: str, kinds: Iterable[Damage], *, title: bool = False) -> str:
    """`text` after all `kinds`; capitals are for titles alone. Decomposition comes last, whatever the order."""
    for kind in sorted(kinds, key=lambda kind: kind == "nfd"):
        if title or kind != "caps":
            text = _KINDS[kind](text)
    return text


__all__ = ["damaged"]
