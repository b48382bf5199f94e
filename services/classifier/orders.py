"""Tasks without a deadline: who is ordered to do what, with the word that stands for a date (khẩn trương, sớm).

Read where an order is plain to see: a body that is given something or takes the lead, a class of bodies that must
do something, and the imperatives right behind such an order. What has a deadline is `tasks`' work.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from services.classifier.hedges import hedge_of
from services.classifier.hits import Hit
from services.classifier.mentions import Mention
from services.classifier.reading import Reading
from tinsom import messages as m
from tinsom.text import has_any

MAX_ORDERS = 30
MIN_SENTENCE, MAX_SENTENCE = 24, 2_000
MAX_ACTION, MAX_RAW = 240, 320
_IMPERATIVES = (
    "khẩn trương", "tập trung", "chủ trì", "đẩy mạnh", "đẩy nhanh", "tăng cường", "rà soát", "hoàn thành",
    "phấn đấu", "hoàn thiện", "thực hiện nghiêm", "chuẩn hóa", "kết nối", "tiếp tục", "tổ chức", "xây dựng",
    "bảo đảm", "đảm bảo", "bám sát", "đa dạng hóa", "phát huy", "nghiên cứu",
)  # fmt: skip
_TOLD = ("giao", "yêu cầu", "đề nghị", "giao nhiệm vụ cho", "giao cho")
_LEADS = ("chủ trì", "khẩn trương", "có trách nhiệm", "chịu trách nhiệm", "cần ", "phải ")
# Who presides over a meeting has been given nothing.
_MEETINGS = ("hội nghị", "phiên họp", "cuộc họp", "buổi", "họp", "lễ", "hội thảo", "phiên", "cuộc")
_REACH = 66
_MUST_WORDS = (
    ":", "khẩn trương", "phải", "cần", "thành lập", "tập trung", "rà soát", "chủ động", "tăng cường", "đẩy mạnh",
    "hoàn thiện",
)  # fmt: skip
_MUST = re.compile(
    r": |[\w\s,]{0,50}? (?:khẩn trương|phải|cần|thành lập|tập trung|rà soát|chủ động|tăng cường|đẩy mạnh"
    r"|hoàn thiện)(?!\w)"
)
_GAP = frozenset((",", ", ", " và ", ", và ", " (", "; ", " - ", ": ", "bộ "))

_ByNumber = dict[int, list[str]]  # bodies by the number of the sentence


def find(
    reading: Reading,
    agencies: Sequence[Mention],
    classes: Iterable[Hit],
    dated: Iterable[m.Task],
    orderers: frozenset[str],
) -> list[m.Task]:
    """In order; a sentence that gave a task with a deadline gives no other."""
    orders, helpers = _by_body(reading, agencies, orderers)
    for hit in classes:
        end = hit.end
        if has_any(reading.lower[end : end + _REACH], _MUST_WORDS) and _MUST.match(reading.lower, end):
            orders.setdefault(reading.sentence_number(hit.start), [])
    if not orders:
        return []
    known = {task.raw for task in dated}
    found: list[m.Task] = []
    for number, lead in _with_what_follows(reading, orders):
        start, end = reading.starts[number], reading.ends[number]
        if not MIN_SENTENCE < end - start < MAX_SENTENCE:
            continue
        raw = reading.plain[start:end].strip()
        if (kept := raw[:MAX_RAW]) not in known:
            known.add(kept)
            co = [body for body in helpers.get(number, ()) if body not in lead]
            found.append(_task(raw, reading.lower[start:end], lead, co))
            if len(found) == MAX_ORDERS:
                break
    return found


def _by_body(
    reading: Reading, agencies: Sequence[Mention], orderers: frozenset[str]
) -> tuple[_ByNumber, _ByNumber]:
    """By the number of the sentence: who is told or takes the lead there, and who is to help."""
    orders: _ByNumber = {}
    helpers: _ByNumber = {}
    chain: list[Mention] = []
    told = False
    lower, tail = reading.lower, reading.tail
    for mention in agencies:
        if mention.start >= tail:
            break
        voice = mention.voice
        if voice == "helps":
            helpers.setdefault(reading.sentence_number(mention.start), []).append(mention.id)
        elif voice in ("told", "acts") and mention.id not in orderers:
            if not (chain and lower[chain[-1].end : mention.start] in _GAP):
                chain, told = [], voice == "told" and _is_told(lower, mention.start)
            chain.append(mention)
            if told or (voice == "acts" and _takes_the_lead(lower, mention.end)):
                order = orders.setdefault(reading.sentence_number(mention.start), [])
                order += [one.id for one in chain if one.id not in order]
    return orders, helpers


def _is_told(lower: str, start: int) -> bool:
    return (
        lower[start - 24 if start > 24 else 0 : start].rstrip(' :"').removesuffix("các").rstrip().endswith(_TOLD)
    )


def _takes_the_lead(lower: str, end: int) -> bool:
    after = lower[end : end + 40].lstrip(" ,")
    return after.startswith(_LEADS) and not after.removeprefix("chủ trì").lstrip().startswith(_MEETINGS)


def _with_what_follows(reading: Reading, orders: _ByNumber) -> Iterator[tuple[int, list[str]]]:
    """The imperatives right behind an order are for the same bodies; empty lines lie between paragraphs."""
    last = len(reading.ends)
    for opening in sorted(orders):
        lead, number = orders[opening], opening
        yield opening, lead
        while (number := number + 1) < last and number not in orders and reading.starts[number] < reading.tail:
            start, end = reading.starts[number], reading.ends[number]
            if end - start > MIN_SENTENCE:
                if not reading.lower[start : start + MIN_SENTENCE].lstrip(" -+•*").startswith(_IMPERATIVES):
                    break
                yield number, lead


def _task(raw: str, lower: str, lead: list[str], co: list[str]) -> m.Task:
    action = raw.strip(" .;,-+•")
    return m.Task(
        lead=lead,
        co=co,
        action=action if len(action) <= MAX_ACTION else action[:MAX_ACTION].rsplit(" ", 1)[0] + "…",
        deadline=None,
        precision=None,
        raw=raw[:MAX_RAW],
        hedge=hedge_of(lower) or msgspec.UNSET,
    )
