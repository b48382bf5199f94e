"""Tagging in items a second on one core, beside a bare pass (NFC check, lower, automaton) over the same texts.

The texts are made here of a few sentences, so that anybody gets the same figures: as dense as articles about what
the taxonomy knows, but the automaton finds its way through them in the cache. Real articles, where
TINSOM_PRIVATE_DATA names some, are measured too.
"""

from __future__ import annotations

import gzip
import json
import os
import random
import resource
import time
import unicodedata
from collections.abc import Callable
from datetime import date
from pathlib import Path

from benchmarks.report import Figure
from benchmarks.tenfold import tenfold
from services.classifier import taxonomy
from services.classifier.tagger import Tagger, TagInput

ITEMS, CHARACTERS, ROUNDS = 200, 4_000, 5
AIM_A_SECOND, AIM_OF_BARE = 2_000, 0.3

# Written for this benchmark, about as dense in names, dates and numbers as the news (64 raw hits an article).
SENTENCES = (
    "Sáng nay, đại diện các đơn vị đã trao đổi về kinh nghiệm tổ chức lại quy trình làm việc ở cơ sở. ",
    "Thủ tướng Chính phủ giao Bộ Công an chủ trì, phối hợp Bộ Y tế hoàn thành kết nối trước ngày 30/9/2025. ",
    "Nhiều hộ dân cho biết con đường mới giúp việc đi lại của học sinh trong mùa mưa dễ dàng hơn trước. ",
    "Theo báo cáo, hệ thống đã tiếp nhận 7,5 triệu hồ sơ, tăng 28,2% so với cùng kỳ năm trước. ",
    "Ông Nguyễn Văn A, giám đốc một công ty trong khu công nghiệp, nói đơn hàng quý này đã phục hồi đáng kể. ",
    "UBND tỉnh Nghệ An yêu cầu các sở, ngành rà soát thủ tục hành chính và cung cấp dịch vụ công trực tuyến. ",
    "Các chuyên gia cho rằng giá nguyên liệu khó giảm sớm, trong khi sức mua ở thị trường nội địa vẫn còn yếu. ",
    "Nghị quyết số 57-NQ/TW của Bộ Chính trị và Quyết định số 1018/QĐ-TTg là căn cứ để xây dựng kế hoạch. ",
    "Buổi chiều, đoàn đi thăm một trường học vùng cao và tặng quà cho các em có hoàn cảnh khó khăn. ",
    "Người dân có thể đăng nhập bằng tài khoản VNeID để tra cứu dữ liệu của mình trong tháng 10/2025. ",
    "Trận đấu diễn ra sôi nổi, khán giả ngồi kín các khán đài và cổ vũ đến phút cuối cùng. ",
    "Sở Khoa học và Công nghệ Đà Nẵng giới thiệu nền tảng số dùng chung cho 120 cơ sở ở các phường, xã. ",
    "Mưa lớn kéo dài khiến nước sông lên nhanh, lực lượng chức năng đã đưa các hộ ở vùng thấp đến nơi an toàn. ",
)


THEMES = "themes:\n" + "".join(
    f"  - {{id: theme-{n}, names: {{vi: T}}, threshold: 2, terms: [{{words: núi lửa {n}, weight: 1}},"
    f" {{words: băng hà {n}, weight: 1}}], combinations: [{{all: [[sao chổi {n}], [nhật thực]], within: 9}}]}}\n"
    for n in range(100)
)

# Everyday sentences are the greater part of any article.
PLAIN = SENTENCES[::2]


def articles() -> list[TagInput]:
    rng = random.Random(5)
    items = []
    for number in range(ITEMS):
        text = ""
        while len(text) < CHARACTERS:
            text += rng.choice(SENTENCES if rng.random() < 0.5 else PLAIN)
            text = text[:-1] + "\n" if rng.random() < 0.3 else text
        title = rng.choice(SENTENCES)[:90]
        items.append(TagInput(id=str(number), title=title, text=text[:CHARACTERS], published_at=date(2025, 9, 24)))
    return items


def real_articles() -> list[TagInput]:
    """Long ones of the private archive, drawn from all of it and cut to the same length; none without one."""
    folder = os.environ.get("TINSOM_PRIVATE_DATA")
    if not folder:
        return []
    with gzip.open(Path(folder, "articles.jsonl.gz"), "rt", encoding="utf-8") as lines:
        long = [row for row in map(json.loads, lines) if len(row.get("text") or "") >= CHARACTERS]
    return [
        TagInput(id=row["id"], title=row["title"], text=row["text"][:CHARACTERS], published_at=date(2025, 9, 24))
        for row in random.Random(5).sample(long, ITEMS)
    ]


def a_second(work: Callable[[TagInput], object], items: list[TagInput]) -> float:
    """Items a second of CPU time, the best of the rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for item in items:
            work(item)
        best = min(best, time.process_time() - began)
    return len(items) / best


async def run() -> list[Figure]:
    began = time.process_time()
    tagger = Tagger(taxonomy.load())
    ready = (time.process_time() - began) * 1000
    items = articles()

    def bare(item: TagInput) -> object:
        unicodedata.is_normalized("NFC", item.text)
        return tagger.matcher.hits(item.text.lower())

    floor, ours = a_second(bare, items), a_second(tagger.tag, items)
    themed = a_second(Tagger(taxonomy.extended({"themes.yaml": THEMES})).tag, items)
    large = a_second(Tagger(tenfold(tagger.taxonomy)).tag, items)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    real = real_articles()
    return [
        Figure("classifier, 4,000 characters", ours, "items/s", floor, "bare pass", AIM_OF_BARE),
        Figure("classifier, aim a second", ours, "items/s", AIM_A_SECOND, "aim", 1.0),
        *([_of_real(a_second(tagger.tag, real), a_second(bare, real))] if real else ()),
        Figure("classifier, with 100 themes of which no word occurs", themed, "items/s", ours, "without", 1.0),
        Figure("classifier, cost with ten times the taxonomy", 1e6 / large, "us", 1e6 / ours, "us as it is", 1.5),
        Figure("classifier, ready after", ready, "ms CPU"),
        Figure("classifier, memory of the process", memory, "MB", 150, "aim", 1.0),
    ]


def _of_real(ours: float, floor: float) -> Figure:
    return Figure(
        "classifier, real articles of 4,000 characters", ours, "items/s", floor, "bare pass", AIM_OF_BARE
    )
