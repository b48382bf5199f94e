"""Tasks with deadlines: who is to do what by when, as announcements order it.

A task starts from a word of time ("trước ngày", "hoàn thành trong", "đến hết") with a date that is not past, in a
sentence that orders or promises; its lead is the body that is told, not the one that tells.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

import msgspec

from services.classifier import dates
from services.classifier.dates import When
from services.classifier.hedges import hedge_of
from services.classifier.hits import Hit
from services.classifier.mentions import Mention
from services.classifier.reading import Reading
from tinsom import messages as m
from tinsom.text import has_any, single_spaced

MAX_ACTION = 240
_SECOND_DAY = date.min + timedelta(days=1)  # before it there is no day to count back to
MAX_RAW = 320
# What is longer is a text without full stops; each of its dates would cost its whole length.
MAX_SENTENCE = 10_000
LOOK_BACK = 900
# Each alternative begins with a letter of its own, none with a group: so the search may skip by first letters.
_BEFORE = re.compile(
    r"(?P<cue>trước thời điểm|trước cuối|trước hết|trước|chậm nhất(?: là)?(?: vào| trong)?|muộn nhất(?: là| vào)?"
    r"|đến hết|tới hết|cho đến hết|cuối|hết|hạn cuối|hoàn thành (?:vào|trong)|xong (?:vào|trong|trước)|trong|đến"
    r"|tới|vào|từ nay đến|là|:)(?: ngày| thời gian| cuối| hết| quốc khánh)*\s?$"
)
# What a cue ends with: looked at before the pattern is tried.
_CUE_ENDS = (
    "trước", "hết", "đến", "tới", "trong", "vào", "cuối", "nhất", "là", "ngày", "gian", "điểm", "khánh", ":",
)  # fmt: skip
# Clearly ordered; and what also orders, promises or plans: without any of these a date is news, not a deadline.
_CLEAR = (
    "hoàn thành", "hoàn tất", "phấn đấu", "yêu cầu", "giao ", "khẩn trương", "chỉ đạo", "báo cáo", "phải ",
    "đề nghị", "mong muốn",
)  # fmt: skip
_ORDERS = (
    "hoàn thành", "hoàn tất", "phấn đấu", "yêu cầu", "giao ", "khẩn trương", "chỉ đạo", "báo cáo", "phải ",
    "đề nghị", "trình ", "gửi ", "đảm bảo", "bảo đảm", "cần ", "triển khai", "đẩy nhanh", "dự kiến",
    "mục tiêu", "cam kết", "đưa ", "đang hoàn thiện", "ban hành", "thành lập", "100%", "nghiên cứu",
    "thực hiện xong", "mong muốn",
)  # fmt: skip
_IMPERATIVES = ("tổ chức ", "thực hiện ", "xây dựng ", "rà soát ", "kết nối ")
# "Thời hạn hoàn thành là tháng 6/2025": what names a term may say it with "là".
_IN_A_YEAR = ("hoàn thành", "giao ", "chậm nhất")
# A body says what it is going to do; what only happens or comes into force is no task.
_PROMISE = re.compile(
    r"(?:bộ|ngành \w+|chính phủ|cục|sở|ubnd[\w ]{0,30}|thành phố|tỉnh(?: \w+){0,3}) sẽ "
    r"(?!diễn ra|có hiệu lực|bị|được|là)"
)
_TERMS = ("thời hạn", "thời gian hoàn thành", "thời gian thực hiện", "hạn hoàn thành", "hoàn thành")
# Days are set for the next years; a year further off is a goal.
FARTHEST, FARTHEST_DAY = 550, 1_100
_DONE = ("đã hoàn thành", "đã ban hành", "đã trình", "đã có ", "đã được", "đã triển khai", "đã ký")
_ALL_OF_A_CLASS = (
    r"các (?:bộ|địa phương|tỉnh|cơ quan|đơn vị|sở|cơ sở|bệnh viện|ngành|doanh nghiệp)"
    r"|tất cả (?:các )?(?:bệnh viện|cơ sở)|ubnd (?:các|cấp)|bộ, ngành|bộ ngành|phường|\bxã\b"
)
_CLASSES = re.compile(f"{_ALL_OF_A_CLASS}|100%")
# Who is worked with, reported on or guided does not take the task from the body above: "phối hợp với các bộ".
_CLASS_ACTS = re.compile(
    "".join(f"(?<!{word} )" for word in (
        "với", "của", "cho", "giữa", "từ", "tại", "trên", "dẫn", "đốc", "thuộc", "cùng", "về", "các",
    )) + f"(?:{_ALL_OF_A_CLASS})"
)  # fmt: skip
# Dates that may be written without a digit: "quý IV", "năm nay".
_WITHOUT_DIGITS = ("quý", "năm nay")
# Right behind a body: it tells another one, if one is named.
_TELLS = (" yêu cầu", " giao ", " đề nghị", " chỉ đạo")
ORDERERS = frozenset(("thu-tuong", "pho-thu-tuong", "chinh-phu", "quoc-hoi", "bo-chinh-tri", "ban-bi-thu"))
_LAW_TALK = (
    "diễn ra",
    "định kỳ",
    "hằng năm",
    "hàng năm",
    "hiệu lực",
    "áp dụng từ",
    "sinh trước",
    "bị phạt",
    "ký ngày",
    "ban hành ngày",
)


_JOINS = re.compile(r"\)?(?:, | và | \(|; )(?:các )?(?:bộ )?")


def find(reading: Reading, times: Sequence[Hit], agencies: Sequence[Mention]) -> list[m.Task]:
    """Tasks with a deadline, in order; one for each sentence and deadline."""
    if reading.day is None and not agencies:
        return []
    tasks: dict[tuple[int, date], m.Task] = {}
    for start, end in _sentences(reading, times):
        sentence = reading.lower[start:end]
        if not _orders(sentence):
            continue
        for deadline in _deadlines(reading, start, end):
            if (start, deadline.day) in tasks:
                continue
            task = _task(reading, start, sentence, deadline, agencies)
            if task is not None:
                tasks[start, deadline.day] = task
    return list(tasks.values())


def _orders(sentence: str) -> bool:
    ordered = has_any(sentence, _ORDERS) or _promises(sentence) or sentence.lstrip(" -+•").startswith(_IMPERATIVES)
    return ordered and not has_any(sentence, _LAW_TALK)


def _promises(sentence: str) -> bool:
    return " sẽ " in sentence and _PROMISE.search(sentence) is not None


def _sentences(reading: Reading, times: Sequence[Hit]) -> Iterable[tuple[int, int]]:
    """Sentences that hold a word of time and what can be a date."""
    ends, tail = reading.ends, reading.tail
    numbered = reading.sentence_numbers([start for start, _ in reading.numbers])
    for number in dict.fromkeys([bisect_right(ends, hit.start) for hit in times if hit.start < tail]):
        start, end = reading.starts[number], ends[number]
        if end - start < MAX_SENTENCE and (
            number in numbered or has_any(reading.lower[start:end], _WITHOUT_DIGITS)
        ):
            yield start, end


def _deadlines(reading: Reading, start: int, end: int) -> Iterable[When]:
    lower, day = reading.lower, reading.day
    for when in dates.find(lower, start, end, day):
        at = when.start - lower[when.start - 1].isspace()
        if when.start - start < 4 and when.precision == "month" and _promises(lower[start:end]):
            if day is None or 0 <= (when.day - day).days <= FARTHEST:
                yield when  # "Tháng 9/2023, Bộ sẽ phát hành…"
            continue
        if not lower.endswith(_CUE_ENDS, start, at):
            continue
        cue = _BEFORE.search(lower, max(start, when.start - 28), when.start)
        if cue is None:
            continue
        word = cue["cue"]
        until = _until(when, word)
        farthest = FARTHEST_DAY if when.precision == "day" else FARTHEST
        if day is not None and not -1 <= (until.day - day).days <= farthest:
            continue
        if word in ("là", ":") and not has_any(lower[max(start, cue.start() - 70) : cue.start()], _TERMS):
            continue
        if _weak_cue(word) and not _is_ordered(lower, start, end, word, when):
            continue
        yield until


def _weak_cue(cue: str) -> bool:
    return cue in ("trong", "vào", "đến", "tới", "cuối", "hết")


def _is_ordered(lower: str, start: int, end: int, cue: str, when: When) -> bool:
    """A month says when something happens; it is a deadline where it is clearly ordered or ends the sentence."""
    sentence = lower[start:end]
    if when.precision == "year" and cue in ("trong", "đến", "tới"):
        return has_any(sentence, _IN_A_YEAR) or _promises(sentence) or (cue != "trong" and "phấn đấu" in sentence)
    if (
        when.precision in ("month", "quarter")
        and when.start > start + 40
        and not lower[when.end : end].strip(" .;")
    ):
        return True
    return has_any(sentence, _CLEAR) or _promises(sentence)


def _until(when: When, cue: str) -> When:
    """Before October is the last of September; before the end of July is the last of July."""
    if cue != "trước" or when.precision == "day":
        return when
    day = when.day
    first = {"month": day.replace(day=1), "year": day.replace(month=1, day=1)}.get(when.precision)
    if first is None:
        first = date(day.year, day.month - 2, 1)
    return When(max(first, _SECOND_DAY) - timedelta(days=1), when.precision, when.start, when.end)


def _task(
    reading: Reading, start: int, sentence: str, deadline: When, agencies: Sequence[Mention]
) -> m.Task | None:
    end = start + len(sentence)
    around = reading.lower[max(start, deadline.start - 80) : deadline.end + 20]
    if has_any(around, _DONE):
        return None
    lead, co = _doers(reading, start, end, deadline.start, agencies)
    if (
        not lead
        and _CLASSES.search(sentence) is None
        and _CLASSES.search(reading.lower, max(0, start - 300), start) is None
    ):
        return None
    raw = reading.plain[start:end].strip()
    return m.Task(
        lead=lead,
        co=co,
        action=_action(reading.plain[start : deadline.end]),
        deadline=deadline.day.isoformat(),
        precision=deadline.precision,
        raw=raw[:MAX_RAW],
        hedge=hedge_of(sentence) or msgspec.UNSET,
    )


def _action(clause: str) -> str:
    clause = single_spaced(clause).strip(" .;,-+•")
    if len(clause) <= MAX_ACTION:
        return clause
    return "…" + clause[-MAX_ACTION:].split(" ", 1)[-1]


def _doers(
    reading: Reading, start: int, end: int, at: int, agencies: Sequence[Mention]
) -> tuple[list[str], list[str]]:
    """The bodies of the sentence that are told to act; else the last that acted or was told just above."""
    first = last = bisect_left(agencies, start, key=_start)
    while last < len(agencies) and agencies[last].start < end:
        last += 1
    inside = agencies[first:last]
    if (hoped := reading.lower.find("mong muốn", start, end)) != -1:  # of one who is not told: let him act
        return [mention.id for mention in inside if mention.start > hoped][:1], []
    lead, co = _split(reading, [mention for mention in inside if mention.id not in ORDERERS])
    if lead:
        return lead, co
    above = [
        mention
        for mention in agencies[bisect_left(agencies, start - LOOK_BACK, key=_start) : first]
        if mention.id not in ORDERERS and mention.factor >= 1.0 and mention.voice in ("acts", "told")
    ]
    if above and _CLASS_ACTS.search(reading.lower, start, end) is None:
        return [above[-1].id], co
    return [], co


def _start(mention: Mention) -> int:
    return mention.start


def _split(reading: Reading, inside: Sequence[Mention]) -> tuple[list[str], list[str]]:
    lead: dict[str, None] = {}
    co: dict[str, None] = {}
    telling: dict[str, None] = {}
    helper = -1  # where the last one that helps ends: what a comma joins to it helps, too
    for mention in inside:
        before = reading.lower[max(0, mention.start - 90) : mention.start]
        joined = helper >= 0 and _JOINS.fullmatch(reading.lower, helper, mention.start) is not None
        if joined or ("phối hợp" in before and "," not in before[before.rfind("phối hợp") :][60:]):
            helper = mention.end
            co[mention.id] = None
        elif before.rstrip().endswith(("trình", "gửi", "gửi về", "cho", "của", "tới")):
            continue
        elif mention.id not in co:
            tells = reading.lower.startswith(_TELLS, mention.end)
            (telling if tells else lead)[mention.id] = None
    return list(lead or telling), list(co)
